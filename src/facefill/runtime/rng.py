"""Counter-based random generators, keyed by seed, purpose and index.

No generator is carried from step to step: each draw is keyed by the seed, its
purpose and its index (step, epoch, photo), so that a resumed training, another
batch size or another order of photos draws the same numbers.
"""

import hashlib
from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """Purpose of a draw; the numbers are part of every seed, so never change."""

    WEIGHTS = 0
    ORDER = 1
    LATENTS = 2
    FLIPS = 3
    SAMPLES = 4
    SEARCH = 5
    MASK = 6
    WALK = 7
    EVALUATION = 8
    SPECTRAL = 11
    AUGMENTATION = 12
    BANK = 20
    PROJECTION = 21
    BOOTSTRAP = 22
    STATISTICS = 23
    CHAIN = 30
    GRAIN = 31
    REFINER_HOLES = 40
    REFINER_ORDER = 41
    REFINER_FLIPS = 42
    ENCODER_BATCH = 43
    ENCODER_NOISES = 44
    REFINER_CROPS = 45


def keyed_rng(seed: int, purpose: Purpose, *index: int) -> np.random.Generator:
    """Make the random generator of one draw.

    Args:
        seed: The run's seed, at least 0.
        purpose: What is drawn.
        index: Which one: a step, an epoch, a photo's key; each at least 0.
    """
    return np.random.default_rng([seed, int(purpose), *index])


def photo_key(name: str) -> int:
    """Turn a photo's id into an index, the same in every process; 0 to 2**64 - 1."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def uniform_latents(
    rng: np.random.Generator, count: int, latent_size: int
) -> np.ndarray:
    """Draw latents z, uniform in [-1, 1]; float32 of shape (count, latent_size)."""
    return rng.uniform(-1.0, 1.0, (count, latent_size)).astype(np.float32)
