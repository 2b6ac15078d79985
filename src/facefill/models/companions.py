"""Companions of a generator and its discriminator, all of which help to complete."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from facefill.models.encoders import TrainedEncoder, read_encoder
from facefill.models.face_pca import FacePca
from facefill.models.refiners import TrainedRefiner, read_refiner


class Companions(NamedTuple):
    """What is learnt beside the two networks of a GAN.

    An encoder or a refiner is used with its own generator alone. Without one, and with
    the pretrained generator, it is the one that comes with facefill.

    Attributes:
        statistics: PCA of faces, by which results are fitted to the known pixels;
            None leaves that out.
        encoder: Encoder that a training has made, if there is one.
        refiner: Refiner that a training has made, if there is one.
    """

    statistics: FacePca | None = None
    encoder: TrainedEncoder | None = None
    refiner: TrainedRefiner | None = None

    @property
    def fingerprint(self) -> str:
        """Hash of all of them, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for each in self:
            digest.update((each.fingerprint if each else "none").encode())
        return digest.hexdigest()


def read_companions(
    statistics: FacePca | None, encoder: Path, refiner: Path
) -> Companions:
    """Read the networks of the folders that the pipeline ``train`` has filled.

    Args:
        statistics: Statistics of faces, if there are any.
        encoder: Folder of the encoder.
        refiner: Folder of the refiner.

    Raises:
        ModelError: If a file is damaged.
    """
    return Companions(statistics, read_encoder(encoder), read_refiner(refiner))
