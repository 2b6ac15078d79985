"""Encoders that a training has made, each in a file that names its generator.

Synopsis::

    write_bytes(folder / ENCODER_FILE, TrainedEncoder(network, sha256).packed())
    encoder = read_encoder(folder)
"""

from dataclasses import dataclass
from pathlib import Path

import keras

from facefill.models.dcgan import build_encoder
from facefill.models.files import read_trained, weights_sha256
from facefill.models.network_files import GENERATOR, pack, unpack

ENCODER_FOLDER = "encoder"
"""Folder of an encoder, beside the file of its generator."""
ENCODER_FILE = "encoder.npz"

_SIZES = ("image_size", "latent_size", "width")


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
        """Encode as ``.npz``."""
        sizes = (
            int(self.network.input_shape[1]),
            int(self.network.output_shape[1]),
            width_of(self.network),
        )
        described = dict(zip(_SIZES, sizes, strict=True))
        return pack(self.network, {**described, GENERATOR: self.generator_sha256})

    @classmethod
    def unpacked(cls, content: bytes) -> "TrainedEncoder":
        """Decode what ``packed`` made.

        Raises:
            ModelError: If it is something else, or not whole.
        """
        network, described = unpack(
            content, lambda sizes: build_encoder(*(sizes[name] for name in _SIZES))
        )
        return cls(network, described[GENERATOR])


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
    return read_trained(folder / ENCODER_FILE, TrainedEncoder.unpacked)
