"""An encoder: from what is known of a face to a latent whose picture fits it.

It makes in one pass of a small network what a search needs hundreds of iterations for,
and knows of what is hidden, too, since it was trained on whole faces of which something
was hidden: pixels, detail, colour. The search goes on from there. An encoder is of one
generator and of no other.
"""

import keras
import numpy as np
from keras import ops

from facefill.backend.types import Tensor
from facefill.imaging.degradations import Inpainting
from facefill.imaging.pictures import to_float
from facefill.inversion.measurement import Measurement
from facefill.models import pretrained
from facefill.models.files import weights_sha256


class Encoder:
    """Gives first latents of faces."""

    def __init__(self, network: keras.Model) -> None:
        """Take a network of ``dcgan.build_encoder``."""
        self._network = network

    @property
    def fingerprint(self) -> str:
        """Hash the weights; 64 hexadecimal digits."""
        return weights_sha256(self._network)

    def latent(self, target: Measurement) -> np.ndarray:
        """Give z of one face, float32 (latent_size,), in [-1, 1].

        What there is to see of a face to be restored, coarse, noisy or grey, is shown
        as if all of it were known. Faces are taken alone, so that none depends on how
        many there are.
        """
        face, mask = target.observation.show(target.face, target.mask), target.mask
        if not isinstance(target.observation, Inpainting):
            mask = np.ones_like(mask)
        masks = mask[None, ..., None].astype(np.float32)
        seen = looked_at(to_float(face[None]), masks)
        found = ops.convert_to_numpy(self._network(seen, training=False))
        latent: np.ndarray = np.asarray(found, np.float32)[0]
        return latent


def looked_at(pictures: Tensor, masks: Tensor) -> Tensor:
    """Give what an encoder is shown, (N, S, S, 4): known pixels, and which they are.

    Args:
        pictures: (N, S, S, 3) in [-1, 1].
        masks: (N, S, S, 1) float32, 1 = known.
    """
    return ops.concatenate([pictures * masks, masks], axis=-1)


def encoder_of(generator: keras.Model) -> Encoder | None:
    """Give the encoder that comes with facefill, if it is one of this generator.

    Raises:
        ModelError: If its file is not the one that was shipped.
    """
    network = pretrained.load_encoder(weights_sha256(generator))
    return None if network is None else Encoder(network)
