"""Model sources: trained here, pretrained, or a folder to start from."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facefill.errors import ModelError
from facefill.models import pretrained
from facefill.models.files import TRAIN_FIRST, read_pair, require_model, weights_sha256
from facefill.parameters.choices import ModelChoice, Source

if TYPE_CHECKING:
    import keras

    from facefill.models.files import ModelPair

log = logging.getLogger(__name__)

RANDOM = "random"
PRETRAINED = "pretrained"

_NO_START = (
    "train.start_from is random, pretrained, or a folder with generator.keras and "
    "discriminator.keras"
)


class ModelSelection:
    """Selection of the networks of a run: made when first needed, then kept.

    A training that ends beside a run does not change the networks of that run.
    """

    def __init__(
        self, choice: ModelChoice, files: Sequence[Path], image_size: int
    ) -> None:
        """Store the parameter ``model``, the files of the trained pair, and the size.

        Args:
            choice: The parameter ``model``.
            files: Files of the trained generator and discriminator.
            image_size: Side of a picture in pixels that the run is set to.
        """
        self._choice = choice
        self._files = files
        self._image_size = image_size
        self._source: Source | None = None

    def decide(
        self, files: Sequence[Path] | None = None, *, are_trained: bool = False
    ) -> Source:
        """Decide at the first call; later calls return the same.

        Args:
            files: Files that are needed of the trained pair; ``None`` is both.
            are_trained: Whether the run trains them before it needs them.

        Raises:
            ModelError: As ``choose_source``.
        """
        if self._source is None:
            if are_trained and self._choice != "pretrained":
                self._source = "trained"
            else:
                self._source = choose_source(
                    self._choice, files or self._files, self._image_size
                )
        return self._source


def choose_source(
    choice: ModelChoice, files: Sequence[Path], image_size: int
) -> Source:
    """Choose between trained and pretrained networks, before any work.

    Args:
        choice: The parameter ``model``: ``auto`` takes the pretrained networks only
            if none has been trained.
        files: Of the trained networks that the run needs; one at least.
        image_size: Side of a picture that the run is set to.

    Raises:
        ModelError: If the networks are not there, or are pretrained for another
            image size.
    """
    trained = [path for path in files if path.is_file()]
    if choice == "trained" or (choice == "auto" and trained):
        for path in files:
            require_model(path)
        return "trained"
    manifest = pretrained.read_manifest()
    if choice == "auto" and manifest is None:
        raise ModelError(f"no model at {files[0]}; {TRAIN_FIRST}")
    size = pretrained.require_manifest().image_size
    if size != image_size:
        reason = f"the pretrained model is of image_size {size}, which is {image_size}"
        if choice == "auto":
            raise ModelError(f"no model at {files[0]}; {TRAIN_FIRST} ({reason} here)")
        raise ModelError(f"{reason}; set image_size to {size}, or model to trained")
    return "pretrained"


def describe(generator: "keras.Model") -> dict[str, str]:
    """Describe for a report which networks were used, by the generator's weights.

    Returns:
        ``source`` (``pretrained`` if the weights are those that come with facefill,
        else ``trained``) and ``generator_sha256``, the hash of the weights.
    """
    sha256 = weights_sha256(generator)
    manifest = pretrained.read_manifest()
    is_shipped = manifest is not None and sha256 == manifest.weights_sha256["generator"]
    return {
        "source": "pretrained" if is_shipped else "trained",
        "generator_sha256": sha256,
    }


def require_start(start_from: str) -> None:
    """Check that there are networks to start from, before photos are prepared.

    Args:
        start_from: As for ``starting_models``.

    Raises:
        ModelError: If there are none.
    """
    if start_from == PRETRAINED:
        pretrained.require_manifest()
    elif start_from != RANDOM:
        for name in ("generator", "discriminator"):
            require_model(Path(start_from, f"{name}.keras"), _NO_START)


def starting_models(start_from: str) -> "ModelPair | None":
    """Load the networks that a training begins with.

    Args:
        start_from: ``random``, ``pretrained``, or a folder with ``generator.keras``
            and ``discriminator.keras``.

    Returns:
        The networks, or ``None`` if their weights are drawn at random.

    Raises:
        ModelError: If there are no such networks.
    """
    if start_from == RANDOM:
        return None
    log.info("the training starts from the models: %s", start_from)
    if start_from == PRETRAINED:
        return pretrained.load_pair()
    return read_pair(Path(start_from), _NO_START)


def starting_encoder(start_from: str) -> "keras.Model | None":
    """Load the encoder that comes with the networks to start from.

    Args:
        start_from: As for ``starting_models``.

    Returns:
        The network, or ``None`` if they have none.

    Raises:
        ModelError: If its file is damaged.
    """
    if start_from == RANDOM:
        return None
    if start_from == PRETRAINED:
        return pretrained.load_encoder(
            pretrained.require_manifest().weights_sha256["generator"]
        )
    from facefill.models.encoders import ENCODER_FOLDER, read_encoder

    encoder = read_encoder(Path(start_from, ENCODER_FOLDER))
    return None if encoder is None else encoder.network
