"""Coarse completions that the refiner learns from: the search's, in one pass.

Faces are shown under drawn holes to the encoder, and what the generator makes of its
latents is fitted and blended as a search's result is. Faces share a hole in groups,
since the fit is one linear system for each hole.
"""

from dataclasses import dataclass

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.compositing import poisson_blend_group
from facefill.imaging.masks import Mask
from facefill.imaging.pictures import to_float, to_uint8
from facefill.inversion.encoder import encoder_input
from facefill.inversion.pca_fit import GaussianFit
from facefill.models.refiner import FACTOR
from facefill.runtime.rng import Purpose, keyed_rng
from facefill.training.refiner.holes import draw_hole

GROUP = 64
"""Faces that share a hole."""
_ROUNDING = 3
"""Pixels of a crop next to a hole that a face's pixel may be made of, and beyond."""


@dataclass(frozen=True)
class CoarseCompleter:
    """Completes faces in one pass of the encoder and the generator.

    Attributes:
        encoder: From ``encoder_input`` to latents.
        generator: From latents to pictures.
        fit: Fit of pictures to known pixels.
        detail: Share of what the generator draws beside what is expected.
        seed: Seed of the holes.
    """

    encoder: keras.Model
    generator: keras.Model
    fit: GaussianFit
    detail: float
    seed: int

    def known(self, round_: int, group: int, size: int) -> Mask:
        """Known pixels of the crops of a group in a round, bool (size, size)."""
        rng = keyed_rng(self.seed, Purpose.REFINER_HOLES, round_, group)
        return draw_hole(rng, size)

    def complete(self, crops: NDArray[np.uint8], known: Mask) -> NDArray[np.uint8]:
        """Complete the faces of crops that share a hole.

        Args:
            crops: uint8 (N, 2 S, 2 S, 3).
            known: bool (2 S, 2 S), True = known.

        Returns:
            Completed faces, uint8 (N, S, S, 3).
        """
        faces = crops[:, ::FACTOR, ::FACTOR]
        mask = _shrunk(known)
        masks = np.broadcast_to(mask[None, ..., None], (len(faces), *mask.shape, 1))
        seen = encoder_input(to_float(faces), masks.astype(np.float32))
        latents = self.encoder(seen, training=False)
        generated = to_uint8(np.asarray(self.generator(latents, training=False)))
        fitted = self.fit.fit_group(generated, faces, mask, self.detail)
        return poisson_blend_group(faces, fitted, mask)


def _shrunk(known: Mask) -> Mask:
    """Known pixels of a face whose crop has these, of which every second is taken."""
    kernel = np.ones((_ROUNDING, _ROUNDING), np.uint8)
    hidden = cv2.dilate((~known).astype(np.uint8), kernel)
    return np.asarray(hidden[::FACTOR, ::FACTOR] == 0)
