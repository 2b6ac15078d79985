"""Encoders that a training has made, each in a file that names its generator.

Synopsis::

    write_bytes(folder / ENCODER_FILE, TrainedEncoder(network, sha256).packed())
    encoder = read_encoder(folder)
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from facefill.errors import ModelError
from facefill.models.dcgan import build_encoder
from facefill.models.face_pca import FacePca
from facefill.models.files import TRAIN_FIRST, weights_sha256

ENCODER_FOLDER = "encoder"
"""Folder of an encoder, beside the file of its generator."""
ENCODER_FILE = "encoder.npz"

_DESCRIPTION = "encoder.json"


@dataclass(frozen=True, eq=False)
class TrainedEncoder:
    """An encoder, and which generator it belongs to.

    Attributes:
        network: From ``encoder_input`` to latents, of ``dcgan.build_encoder``.
        generator_sha256: ``files.weights_sha256`` of the generator.
    """

    network: keras.Model
    generator_sha256: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, 64 hexadecimal digits."""
        return weights_sha256(self.network)

    def packed(self) -> bytes:
        """Encode as ``.npz``, the same bytes for the same weights."""
        described = {
            "image_size": int(self.network.input_shape[1]),
            "latent_size": int(self.network.output_shape[1]),
            "width": width_of(self.network),
            "generator_sha256": self.generator_sha256,
            "weights_sha256": self.fingerprint,
        }
        arrays: dict[str, Any] = {
            _DESCRIPTION: np.frombuffer(json.dumps(described).encode(), np.uint8)
        }
        for variable in self.network.variables:
            arrays[variable.path] = np.asarray(variable.numpy(), np.float32)
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        return stream.getvalue()

    @classmethod
    def unpacked(cls, content: bytes) -> "TrainedEncoder":
        """Decode what ``packed`` made.

        Raises:
            ModelError: If it is something else, or not whole.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                described = json.loads(archive[_DESCRIPTION].tobytes())
                names = ("image_size", "latent_size", "width")
                network = build_encoder(*(described[name] for name in names))
                for variable in network.variables:
                    variable.assign(archive[variable.path])
        except Exception as error:  # whatever numpy and Keras raise for a bad file
            raise ModelError(f"no encoder ({error})") from error
        encoder = cls(network, described["generator_sha256"])
        if encoder.fingerprint != described["weights_sha256"]:
            raise ModelError("its weights are not those that were written")
        return encoder


class Companions(NamedTuple):
    """What is learnt beside a generator and its discriminator, and helps to complete.

    Attributes:
        statistics: PCA of faces, by which results are fitted to the known pixels;
            None leaves that out.
        encoder: Encoder that a training has made. It is used with its own generator
            alone; None, and with the pretrained generator, is the one that comes with
            facefill.
    """

    statistics: FacePca | None = None
    encoder: TrainedEncoder | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of all of them, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for each in self:
            digest.update((each.fingerprint if each else "none").encode())
        return digest.hexdigest()


def width_of(encoder: keras.Model) -> int:
    """Filters of an encoder's first layer."""
    return int(encoder.weights[0].shape[-1])


def read_encoder(folder: Path) -> TrainedEncoder | None:
    """Read the encoder of a folder that the pipeline ``train`` has filled.

    Returns:
        None if there is none.

    Raises:
        ModelError: If its file is damaged.
    """
    path = folder / ENCODER_FILE
    if not path.is_file():
        return None
    try:
        return TrainedEncoder.unpacked(path.read_bytes())
    except (OSError, ModelError) as error:
        raise ModelError(f"{path} is damaged ({error}); {TRAIN_FIRST}") from error
