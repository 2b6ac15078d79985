"""A bank of generated faces, among which a search finds where to begin.

A thousand faces drawn once cost as much as a few dozen iterations of one photo,
and the nearest of them by the known pixels is a better start than a blind one.
"""

import keras
import numpy as np

from facefill.inversion.measurement import Measurement
from facefill.models.generation import generate
from facefill.runtime import rng

_PICTURES_AT_A_TIME = 256


class LatentBank:
    """Latents and their pictures, in memory.

    Attributes:
        latents: float32 (N, latent_size).
        pictures: uint8 (N, S, S, 3).
    """

    def __init__(self, generator: keras.Model, size: int, seed: int) -> None:
        """Draw ``size`` latents from the seed and generate their pictures."""
        draw = rng.keyed_rng(seed, rng.Purpose.BANK)
        latent_size = generator.input_shape[1]
        self.latents = rng.uniform_latents(draw, size, latent_size)
        self.pictures = generate(generator, self.latents)

    def nearest(self, target: Measurement, count: int) -> np.ndarray:
        """Choose the latents whose pictures fit what is known of a face best.

        Args:
            target: The face.
            count: How many.

        Returns:
            float32 (count, latent_size), the best first.
        """
        distances = self._distances(target)
        # Stable: of equals the earlier, on every machine.
        return np.asarray(self.latents[np.argsort(distances, kind="stable")[:count]])

    def _distances(self, target: Measurement) -> np.ndarray:
        def read(pictures: np.ndarray) -> np.ndarray:
            return target.observation.read(pictures, target.mask)

        known = read(target.face[None])
        distances = [
            np.abs(read(self.pictures[begin : begin + _PICTURES_AT_A_TIME]) - known)
            for begin in range(0, len(self.pictures), _PICTURES_AT_A_TIME)
        ]
        return np.concatenate(
            [each.sum(axis=1, dtype=np.float64) for each in distances]
        )
