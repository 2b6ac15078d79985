"""Encoder: from the measurement of a face to a latent whose picture fits it.

One pass of a small network takes the place of hundreds of iterations of a search, and
knows of hidden pixels, too, since it was trained on whole faces of which something
was hidden: pixels, detail, colour. The search goes on from there. An encoder belongs
to one generator.
"""

import logging

import keras
import numpy as np
from keras import ops

from facefill.backend import graph
from facefill.backend.types import Tensor
from facefill.imaging.pictures import to_float
from facefill.inversion.measurement import Measurement
from facefill.models import pretrained
from facefill.models.encoders import TrainedEncoder
from facefill.models.files import weights_sha256

logger = logging.getLogger(__name__)


class Encoder:
    """First latents of faces by a network of ``dcgan.build_encoder``."""

    def __init__(self, network: keras.Model) -> None:
        """Take the network."""
        self._network = network
        self._run = graph.inference(network)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, 64 hexadecimal digits."""
        return weights_sha256(self._network)

    def latent(self, measurement: Measurement) -> np.ndarray:
        """Latent of one face, float32 (latent_size,), in [-1, 1].

        The picture of a measurement of all pixels, coarse, noisy or grey, is given to
        the network as if all of it were known. Faces are taken alone, so that none
        depends on how many there are.
        """
        degradation, mask = measurement.degradation, measurement.mask
        picture = to_float(degradation.show(measurement.face, mask)[None])
        known = measurement.compared[None, ..., None].astype(np.float32)
        inputs = encoder_input(picture, known)
        latents = ops.convert_to_numpy(self._run(inputs))
        latent: np.ndarray = np.asarray(latents, np.float32)[0]
        return latent


def encoder_input(pictures: Tensor, masks: Tensor) -> Tensor:
    """Known pixels and mask as channels, (N, S, S, 4).

    Args:
        pictures: (N, S, S, 3) in [-1, 1].
        masks: (N, S, S, 1) float32, 1 = known.
    """
    return ops.concatenate([pictures * masks, masks], axis=-1)


def encoder_of(
    generator: keras.Model, trained: TrainedEncoder | None = None
) -> Encoder | None:
    """Encoder that belongs to a generator: one that was trained, or the shipped one.

    Args:
        generator: The generator.
        trained: Encoder that a training has made, perhaps of another generator, which
            is then said.

    Raises:
        ModelError: If the file of the shipped one is not that which was shipped.
    """
    sha256 = weights_sha256(generator)
    if trained is not None and trained.generator_sha256 == sha256:
        return Encoder(trained.network)
    network = pretrained.load_encoder(sha256)
    if network is not None:
        return Encoder(network)
    if trained is not None:
        logger.warning(
            "the encoder that was trained is of another generator, and is not used; "
            "`kedro run --pipeline=train` makes one of this generator"
        )
    return None
