"""Running networks on any number of inputs, in full batches."""

from typing import Any

import keras
import numpy as np

from facefill.backend.batches import in_full_batches
from facefill.imaging.pictures import to_uint8

BATCH_SIZE = 64


def run_network(network: keras.Model, inputs: np.ndarray, batch_size: int) -> Any:
    """Outputs of a network in inference mode, as numpy arrays.

    Args:
        network: Any Keras model of one input.
        inputs: (N, ...).
        batch_size: Rows that the network is given at a time.
    """

    def run(rows: np.ndarray, _: int) -> Any:
        return network(inputs[rows], training=False)

    return in_full_batches(run, len(inputs), batch_size)


def generate(
    generator: keras.Model, latents: np.ndarray, batch_size: int | None = None
) -> np.ndarray:
    """Pictures of any number of latents, uint8 (N, S, S, 3).

    Args:
        generator: G.
        latents: (N, latent_size).
        batch_size: Latents generated from at a time; None for 64, or for N if there
            are fewer.
    """
    size = batch_size or min(BATCH_SIZE, len(latents))
    return to_uint8(run_network(generator, latents, size))
