"""A bank of generated faces, among which a search finds where to begin.

A thousand faces drawn once cost as much as a few dozen iterations of one photo,
and the nearest of them by the known pixels is a better start than a blind one.
"""

import keras
import numpy as np

from facefill import randomness
from facefill.knowledge import Target
from facefill.masks import lowres_factor
from facefill.metrics import block_means, known_distances
from facefill.sampling import generate


class Bank:
    """Latents and their pictures, in memory.

    Attributes:
        latents: float32 (N, latent_size).
        pictures: uint8 (N, S, S, 3).
    """

    def __init__(self, generator: keras.Model, size: int, seed: int) -> None:
        """Draw ``size`` latents from the seed and generate their pictures."""
        draw = randomness.generator(seed, randomness.Purpose.BANK)
        latent_size = generator.input_shape[1]
        self.latents = randomness.uniform_latents(draw, size, latent_size)
        self.pictures = generate(generator, self.latents)

    def nearest(self, target: Target, count: int) -> np.ndarray:
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

    def _distances(self, target: Target) -> np.ndarray:
        if target.low_resolution:
            factor = lowres_factor(len(target.face))
            theirs = block_means(self.pictures, factor)
            apart = np.abs(theirs - block_means(target.face[None], factor))
            return np.asarray(apart.sum(axis=(1, 2, 3)))
        return known_distances(self.pictures, target.face, target.mask)
