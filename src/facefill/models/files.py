"""Keras model files: read with care, and known by the hash of their weights.

Synopsis::

    models = read_pair(Path("data/06_models"))  # generator.keras, discriminator.keras
    models.require_sizes(image_size=64, latent_size=100)
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from facefill.errors import ModelError
from facefill.runtime.files import replacing

if TYPE_CHECKING:
    import keras

_Trained = TypeVar("_Trained")

# Times its own size, which Keras does not compress.
_MOST_UNPACKED = 10

TRAIN_FIRST = "run `kedro run --pipeline=train` first"


class ModelPair(NamedTuple):
    """A generator and the discriminator that it was trained with."""

    generator: "keras.Model"
    discriminator: "keras.Model"

    def require_sizes(self, image_size: int, latent_size: int) -> None:
        """Refuse networks that make or judge other pictures, from other latents.

        Raises:
            ModelError: Naming the parameter with both values.
        """
        sizes = {
            "image_size": (
                (self.generator.output_shape[1], self.discriminator.input_shape[1]),
                image_size,
            ),
            "train.latent_size": ((self.generator.input_shape[1],), latent_size),
        }
        for name, (found, wanted) in sizes.items():
            for size in found:
                if size != wanted:
                    raise ModelError(
                        f"the models to start from have {name} {size}, but it is set "
                        f"to {wanted}; set {name} to {size}, or start from others"
                    )


def require_model(path: Path, cure: str = TRAIN_FIRST) -> None:
    """Check that there is a file, without loading anything.

    Raises:
        ModelError: If there is none, with the cure.
    """
    if not path.is_file():
        raise ModelError(f"no model at {path}; {cure}")


def write_model(model: "keras.Model", path: Path) -> None:
    """Replace a model file, whatever the machine's clock says.

    A ``.keras`` file is a zip, whose members are stamped with the time, which cannot be
    before 1980; a board without a battery begins in 1970.
    """
    with replacing(path, suffix=".keras") as temporary, _fixed_stamps():
        model.save(temporary)


@contextmanager
def _fixed_stamps() -> Iterator[None]:
    clock = zipfile.time  # type: ignore[attr-defined]
    first = (1980, 1, 1, 0, 0, 0, 1, 1, 0)
    zipfile.time = SimpleNamespace(time=float, localtime=lambda _: first)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        zipfile.time = clock  # type: ignore[attr-defined]


def read_model(path: Path, cure: str = TRAIN_FIRST) -> "keras.Model":
    """Read a ``.keras`` file, without an optimiser; code in it is not run.

    Args:
        path: The file.
        cure: What to do if it is absent or no model, for the error.

    Raises:
        ModelError: If it is absent, damaged or no model.
    """
    require_model(path, cure)
    _require_whole(path)
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    # Keras raises what a wrong file leads it to: ValueError, TypeError, KeyError.
    except Exception as error:
        raise ModelError(f"{path} holds no model of ours ({error}); {cure}") from error


def read_pair(folder: Path, cure: str = TRAIN_FIRST) -> ModelPair:
    """Read ``generator.keras`` and ``discriminator.keras`` of a folder.

    Raises:
        ModelError: If either is absent, damaged or no model.
    """
    return ModelPair(
        read_model(folder / "generator.keras", cure),
        read_model(folder / "discriminator.keras", cure),
    )


def read_trained(path: Path, unpacked: Callable[[bytes], _Trained]) -> _Trained | None:
    """Read what the pipeline ``train`` has made beside the two networks.

    Args:
        path: Its file.
        unpacked: Decodes its bytes; raises ``ModelError`` for others.

    Returns:
        None if there is no such file.

    Raises:
        ModelError: If it is damaged, or cannot be read.
    """
    if not path.is_file():
        return None
    try:
        return unpacked(path.read_bytes())
    except (OSError, ModelError) as error:
        raise ModelError(f"{path} is damaged ({error}); {TRAIN_FIRST}") from error


def weights_sha256(model: "keras.Model") -> str:
    """Hash a network's weights and statistics, wherever they came from.

    Returns:
        64 hexadecimal digits, the same for the same float32 values in layers of the
        same names.
    """
    import numpy as np

    digest = hashlib.sha256()
    for variable in model.variables:
        value = np.ascontiguousarray(variable.numpy(), dtype="<f4")
        digest.update(f"{variable.path} {value.shape}\n".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _require_whole(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            if unpacked > _MOST_UNPACKED * path.stat().st_size:
                raise ModelError(
                    f"the model {path} unpacks to {unpacked:,} bytes, too many for a "
                    "model of facefill"
                )
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise ModelError(f"the model {path} is damaged: {error}") from error
    if damaged is not None:
        raise ModelError(f"the model {path} is damaged in its {damaged}")
