"""Training batches: photos, latents and flips of each step, read ahead.

Batches and noise are functions of (seed, step), so a training that was killed
and continued takes the steps that it would have taken.
"""

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


def batches(
    photos: ImageArray, options: TrainOptions, seed: int, first: int
) -> Iterator[Batch]:
    """Iterate over the batches of the steps from ``first`` on, K steps at a time.

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
            [
                rng.uniform_latents(step_rng, size, options.latent_size)
                for step_rng in latents
            ]
        ),
        flips=np.stack([step_rng.random(size) < 0.5 for step_rng in flips]),
        draws=_draws(size, seed, steps) if options.augment else (),
    )


def _draws(batch_size: int, seed: int, steps: range) -> np.ndarray:
    shape = (2, batch_size, NUM_DRAWS)
    rngs = [rng.keyed_rng(seed, Purpose.AUGMENTATION, step) for step in steps]
    return np.stack([step_rng.random(shape, np.float32) for step_rng in rngs])


def batch_indices(num_photos: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Choose the photos of a step: each exactly once an epoch, in a new order.

    A batch that the end of an epoch cuts goes on with the next one's order.

    Returns:
        Indices, int64 (batch_size,).
    """
    positions = np.arange(step * batch_size, (step + 1) * batch_size)
    epochs, offsets = np.divmod(positions, num_photos)
    chosen = np.empty(batch_size, np.int64)
    for epoch in np.unique(epochs):
        inside = epochs == epoch
        chosen[inside] = _order(num_photos, seed, int(epoch))[offsets[inside]]
    return chosen


# A batch may end one epoch and begin the next. Drawn anew for each step, the order
# of ten million photos would take longer than the step.
@lru_cache(maxsize=2)
def _order(num_photos: int, seed: int, epoch: int) -> np.ndarray:
    order = rng.keyed_rng(seed, Purpose.ORDER, epoch).permutation(num_photos)
    order.setflags(write=False)
    return order
