"""Which photos and which noise each step of a training sees.

Batches and noise are functions of (seed, step), so a training that was killed
and continued takes the steps that it would have taken.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from facefill.parameters import TrainOptions
from facefill.preparation.sharded_array import (
    ImageArray,
    ShardedArray,
    expect_random_reads,
)
from facefill.runtime import rng
from facefill.runtime.rng import Purpose
from facefill.training.augmentation import NUM_DRAWS
from facefill.training.state import Batch

_ROWS_A_PIECE = 1024


def batches(
    photos: ImageArray, options: TrainOptions, seed: int, first: int
) -> Iterator[Batch]:
    """Give the batches of the steps from ``first`` on, K steps at a time.

    Calls end at multiples of K, so that a continued training makes the same
    calls as an undisturbed one.

    Args:
        photos: uint8 (N, S, S, 3); may be memory maps larger than memory.
        options: Size of a batch, number of steps and steps a call.
        seed: Of the order, the latents and the flips.
        first: Steps done.
    """
    shards = photos if isinstance(photos, ShardedArray) else ShardedArray([photos])
    expect_random_reads(shards)
    return _read_ahead(_stacks(shards, options, seed, first))


def _read_ahead(stacks: Iterator[Batch]) -> Iterator[Batch]:
    """Read the next stack while the device works on the last one."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, stacks, None)
        while (stack := coming.result()) is not None:
            coming = reader.submit(next, stacks, None)
            yield stack


def _stacks(
    photos: ShardedArray, options: TrainOptions, seed: int, first: int
) -> Iterator[Batch]:
    while first < options.max_steps:
        last = min(
            (first // options.steps_per_call + 1) * options.steps_per_call,
            options.max_steps,
        )
        yield _stack(photos, options, seed, range(first, last))
        first = last


def _stack(
    photos: ShardedArray, options: TrainOptions, seed: int, steps: range
) -> Batch:
    size = options.batch_size
    chosen = [batch_indices(len(photos), size, seed, step) for step in steps]
    latents = [rng.keyed_rng(seed, Purpose.LATENTS, step) for step in steps]
    flips = [rng.keyed_rng(seed, Purpose.FLIPS, step) for step in steps]
    return Batch(
        # Sorted reads of a memory map are faster, and neither batch norm nor a mean
        # loss sees the order within a batch.
        images=photos[np.sort(chosen, axis=1)],
        latents=np.stack(
            [rng.uniform_latents(draw, size, options.latent_size) for draw in latents]
        ),
        flips=np.stack([draw.random(size) < 0.5 for draw in flips]),
        draws=_draws(size, seed, steps) if options.augment else (),
    )


def _draws(batch_size: int, seed: int, steps: range) -> np.ndarray:
    shape = (2, batch_size, NUM_DRAWS)
    draws = [rng.keyed_rng(seed, Purpose.AUGMENTATION, step) for step in steps]
    return np.stack([draw.random(shape, np.float32) for draw in draws])


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
        inside = epochs == epoch
        chosen[inside] = _order(num_photos, seed, int(epoch))[places[inside]]
    return chosen


# A batch may end one epoch and begin the next. Drawn anew for each step, the order
# of ten million photos would take longer than the step.
@lru_cache(maxsize=2)
def _order(num_photos: int, seed: int, epoch: int) -> np.ndarray:
    draw = rng.keyed_rng(seed, Purpose.ORDER, epoch)
    order = draw.permutation(num_photos)
    order.setflags(write=False)
    return order


def digest(photos: ImageArray) -> str:
    """Hash the pixels of photos, a piece at a time; 16 hexadecimal digits."""
    pixels = hashlib.sha256()
    for begin in range(0, len(photos), _ROWS_A_PIECE):
        pixels.update(np.asarray(photos[begin : begin + _ROWS_A_PIECE]).tobytes())
    return pixels.hexdigest()[:16]
