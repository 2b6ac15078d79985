"""Which photos and which noise each step of a training sees.

Batches and noise are functions of (seed, step), so a training that was killed
and continued takes the steps that it would have taken.
"""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from facefill import randomness
from facefill.parameters import TrainOptions
from facefill.states import Batch

_ROWS_A_PIECE = 1024


def batches(
    photos: np.ndarray, options: TrainOptions, seed: int, first: int
) -> Iterator[Batch]:
    """Give the batches of the steps from ``first`` on, K steps at a time.

    Calls end at multiples of K, so that a continued training makes the same
    calls as an undisturbed one.

    Args:
        photos: uint8 (N, S, S, 3); may be a memory map larger than memory.
        options: Size of a batch, number of steps and steps a call.
        seed: Of the order, the latents and the flips.
        first: Steps done.
    """
    while first < options.max_steps:
        last = min(
            (first // options.steps_per_call + 1) * options.steps_per_call,
            options.max_steps,
        )
        yield _stacked(
            [_batch(photos, options, seed, step) for step in range(first, last)]
        )
        first = last


def _batch(photos: np.ndarray, options: TrainOptions, seed: int, step: int) -> Batch:
    chosen = batch_indices(len(photos), options.batch_size, seed, step)
    latents = randomness.generator(seed, randomness.Purpose.LATENTS, step)
    flips = randomness.generator(seed, randomness.Purpose.FLIPS, step)
    return Batch(
        # Sorted reads of a memory map are faster, and neither batch norm nor a mean
        # loss sees the order within a batch.
        images=photos[np.sort(chosen)],
        latents=randomness.uniform_latents(
            latents, options.batch_size, options.latent_size
        ),
        flips=flips.random(options.batch_size) < 0.5,
    )


def batch_indices(num_photos: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Say which photos a step sees: each exactly once an epoch, in a new order.

    A batch that the end of an epoch cuts goes on with the next one's order.

    Returns:
        Indices, int64 (batch_size,).
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, places = np.divmod(positions, num_photos)
    chosen = np.empty(batch_size, np.int64)
    for epoch in np.unique(epochs):
        order = randomness.generator(seed, randomness.Purpose.ORDER, int(epoch))
        inside = epochs == epoch
        chosen[inside] = order.permutation(num_photos)[places[inside]]
    return chosen


def _stacked(batches: Sequence[Batch]) -> Batch:
    return Batch(*(np.stack(parts) for parts in zip(*batches, strict=True)))


def digest(photos: np.ndarray) -> str:
    """Hash the pixels of photos, a piece at a time; 16 hexadecimal digits."""
    pixels = hashlib.sha256()
    for begin in range(0, len(photos), _ROWS_A_PIECE):
        pixels.update(photos[begin : begin + _ROWS_A_PIECE].tobytes())
    return pixels.hexdigest()[:16]
