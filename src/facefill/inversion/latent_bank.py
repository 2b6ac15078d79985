"""Bank of generated faces, among which searches find their starts.

A thousand faces generated once cost as much as a few dozen iterations of one photo,
and the nearest of them by the known pixels is a better start than a random one.
"""

import keras
import numpy as np

from facefill.inversion.measurement import Measurement
from facefill.models.generation import generate
from facefill.runtime.batching import slices
from facefill.runtime.rng import Purpose, keyed_rng, uniform_latents

_PICTURES_AT_A_TIME = 256


class LatentBank:
    """Latents and their pictures, in memory.

    Attributes:
        latents: float32 (N, latent_size).
        pictures: uint8 (N, S, S, 3).
    """

    def __init__(self, generator: keras.Model, size: int, seed: int) -> None:
        """Generate pictures of random latents.

        Args:
            generator: G.
            size: Number of latents.
            seed: Seed of the latents.
        """
        rng = keyed_rng(seed, Purpose.BANK)
        self.latents = uniform_latents(rng, size, generator.input_shape[1])
        self.pictures = generate(generator, self.latents)

    def nearest(self, measurement: Measurement, count: int) -> np.ndarray:
        """Latents whose pictures fit a measurement best.

        Args:
            measurement: What is known of a face.
            count: Number of latents.

        Returns:
            float32 (count, latent_size), the best first.
        """
        distances = self._distances(measurement)
        # Stable: of equals the earlier, on every machine.
        return np.asarray(self.latents[np.argsort(distances, kind="stable")[:count]])

    def _distances(self, measurement: Measurement) -> np.ndarray:
        """L1 distances of the pictures from a measurement, float64 (N,)."""
        known = measurement.measure(measurement.face[None])
        distances = [
            np.abs(measurement.measure(self.pictures[rows]) - known).sum(
                axis=1, dtype=np.float64
            )
            for rows in slices(len(self.pictures), _PICTURES_AT_A_TIME)
        ]
        return np.concatenate(distances)
