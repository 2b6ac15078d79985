"""Pretrained model that comes with facefill, read from ``facefill/pretrained``.

Synopsis::

    models = load_pair()  # both networks, checked by their hashes

Each network is one ``.npz``, read without pickle: kernels as float16 (those of the
generator) or in 8 bits, biases and statistics as float32, whose range float16 lacks.
``manifest.json`` holds what the networks are built by, and the SHA-256 of each file,
checked before a byte of it is used. The card is ``MODEL_CARD.md`` beside them.
"""

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from facefill.errors import ModelError
from facefill.parameters.choices import Network
from facefill.runtime.packaged_files import (
    FOLDER,
    read_described,
    read_description,
    read_packaged,
)

if TYPE_CHECKING:
    import keras

    from facefill.models.dcgan import Architecture
    from facefill.models.face_pca import FacePca
    from facefill.models.files import ModelPair

MANIFEST = "manifest.json"
STATISTICS = "face_statistics.npz"
STATISTICS_MANIFEST = "face_statistics.json"
ENCODER = "encoder.npz"
ENCODER_MANIFEST = "encoder.json"
REFINER = "refiner.npz"
REFINER_MANIFEST = "refiner.json"
HEAD_REFINER = "head_refiner.npz"
HEAD_REFINER_MANIFEST = "head_refiner.json"


@dataclass(frozen=True)
class Manifest:
    """Description of the shipped networks.

    Attributes:
        image_size: Side of a picture in pixels.
        latent_size: Length of z.
        generator_width: As in ``dcgan.Architecture``.
        discriminator_width: The same.
        steps: Steps of the training, for the record.
        sha256: Of each network's file, by the network's name.
        weights_sha256: Of each network's weights once loaded
            (``files.weights_sha256``), by its name.
        discriminator_norm: As in ``dcgan.Architecture``, but never ``spectral``:
            such a discriminator is shipped with the norm in its kernels.
    """

    image_size: int
    latent_size: int
    generator_width: int
    discriminator_width: int
    steps: int
    sha256: dict[str, str]
    weights_sha256: dict[str, str]
    discriminator_norm: Literal["batch", "none"] = "batch"


def read_manifest() -> Manifest | None:
    """Read what is shipped, or ``None`` if this copy of facefill ships no model.

    Raises:
        ModelError: If the file is damaged.
    """
    path = FOLDER / MANIFEST
    if not path.is_file():
        return None
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(
            f"{path} is damaged ({error}); install facefill again"
        ) from error


def require_manifest() -> Manifest:
    """Read what is shipped.

    Raises:
        ModelError: If nothing is, or the file is damaged.
    """
    manifest = read_manifest()
    if manifest is None:
        raise ModelError(
            "this copy of facefill comes without a pretrained model; train one, or "
            "install a release"
        )
    return manifest


def load_pair() -> "ModelPair":
    """Load both networks.

    Raises:
        ModelError: If nothing is shipped, or a file is not the one that was.
    """
    from facefill.models.files import ModelPair

    return ModelPair(load("generator"), load("discriminator"))


def load(network: Network) -> "keras.Model":
    """Load one network, in float32.

    Raises:
        ModelError: If nothing is shipped, or the file is not the one that was.
    """
    from facefill.models.dcgan import Architecture

    manifest = require_manifest()
    content = read_packaged(FOLDER / f"{network}.npz", manifest.sha256[network])
    architecture = Architecture(
        image_size=manifest.image_size,
        latent_size=manifest.latent_size,
        generator_width=manifest.generator_width,
        discriminator_width=manifest.discriminator_width,
        discriminator_norm=manifest.discriminator_norm,
    )
    return unpack(content, network, architecture)


def unpack(
    content: bytes, network: Network, architecture: "Architecture"
) -> "keras.Model":
    """Build a network and put the arrays of a file of ours into it.

    Raises:
        KeyError: If one is absent.
        ValueError: If one is of another shape.
    """
    from facefill.models.dcgan import build_discriminator, build_generator

    build = build_generator if network == "generator" else build_discriminator
    return _with_weights(build(architecture, seed=0), content)


def has_encoder(generator_sha256: str) -> bool:
    """Tell whether the encoder that is shipped is of a generator, without loading it.

    Args:
        generator_sha256: ``files.weights_sha256`` of the generator.
    """
    described = read_description(FOLDER / ENCODER_MANIFEST)
    return described is not None and described["generator_sha256"] == generator_sha256


def load_encoder(generator_sha256: str) -> "keras.Model | None":
    """Load the encoder that is shipped, if it is of this generator.

    Args:
        generator_sha256: ``files.weights_sha256`` of the generator.

    Returns:
        The network, in float32; ``None`` if none is shipped, or one of another
        generator.

    Raises:
        ModelError: If the file is not the one that was shipped.
    """
    described = read_description(FOLDER / ENCODER_MANIFEST)
    if described is None or not has_encoder(generator_sha256):
        return None
    content = read_packaged(FOLDER / ENCODER, described["sha256"])
    from facefill.models.dcgan import build_encoder

    sizes = (described[name] for name in ("image_size", "latent_size", "width"))
    return _with_weights(build_encoder(*sizes), content)


def refiner_side() -> int | None:
    """Side in pixels of the crops that the shipped refiner has learnt from.

    ``None`` if none is shipped. The network is not loaded.
    """
    described = read_description(FOLDER / REFINER_MANIFEST)
    return None if described is None else int(described["size"])


def load_refiner() -> "keras.Model":
    """Load the refiner that is shipped.

    Returns:
        The network, in float32, for crops of any side.

    Raises:
        ModelError: If there is none, or the file is not the one that was shipped.
    """
    return _refiner(REFINER, REFINER_MANIFEST)


def load_head_refiner() -> "keras.Model":
    """Load the refiner of heads that is shipped; see ``load_refiner``."""
    return _refiner(HEAD_REFINER, HEAD_REFINER_MANIFEST)


def _refiner(name: str, manifest: str) -> "keras.Model":
    content = read_described(FOLDER / name, FOLDER / manifest)
    from facefill.models.refiner import build_refiner

    return _with_weights(build_refiner(None, seed=0), content)


def _with_weights(model: "keras.Model", content: bytes) -> "keras.Model":
    """Put weights of a file of ours into a network."""
    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        for variable in model.variables:
            value = archive[variable.path].astype(np.float32)
            # Kernels of 8 bits are in steps of the filter that they belong to.
            step = f"{variable.path}/scale"
            variable.assign(value * archive[step] if step in archive else value)
    return model


def load_statistics() -> "FacePca | None":
    """Load the statistics of faces that are shipped; ``None`` if none are.

    Raises:
        ModelError: If the file is not the one that was shipped.
    """
    described = read_description(FOLDER / STATISTICS_MANIFEST)
    if described is None:
        return None
    from facefill.models.face_pca import FacePca

    return FacePca.unpacked(read_packaged(FOLDER / STATISTICS, described["sha256"]))
