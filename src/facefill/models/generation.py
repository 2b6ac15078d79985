"""Running a generator on latents, in batches."""

import keras
import numpy as np

from facefill.imaging.pictures import to_uint8

BATCH_SIZE = 64


def generate(generator: keras.Model, latents: np.ndarray) -> np.ndarray:
    """Run a generator on any number of latents; uint8 (N, S, S, 3)."""
    pictures = [
        np.asarray(
            keras.ops.convert_to_numpy(
                generator(latents[begin : begin + BATCH_SIZE], training=False)
            )
        )
        for begin in range(0, len(latents), BATCH_SIZE)
    ]
    return to_uint8(np.concatenate(pictures))
