"""Training loop of the refiner: batches in, checkpoints and metrics out."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import numpy as np

from facefill.backend import graph
from facefill.errors import CheckpointError
from facefill.runtime.interrupts import deferred_interruption
from facefill.runtime.progress import progress
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.refiner.batches import RefinerBatches
from facefill.training.refiner.step import METRICS, RefinerBatch, RefinerState
from facefill.training.refiner.trainer import RefinerTrainer

STEPS_A_CALL = 10

Report = Callable[[int, Mapping[str, float]], None]


class Schedule(NamedTuple):
    """How long a refiner is trained.

    Attributes:
        max_steps: Steps in all.
        batch_size: Crops a step.
        checkpoint_every: Steps between two checkpoints.
    """

    max_steps: int
    batch_size: int = 16
    checkpoint_every: int = 250


def train_refiner(
    batches: RefinerBatches,
    trainer: RefinerTrainer,
    store: CheckpointStore,
    schedule: Schedule,
    report: Report | None = None,
) -> keras.Model:
    """Train from the newest checkpoint, or from the start, to the last step.

    Args:
        batches: Crops with their coarse completions.
        trainer: The networks.
        store: Where the state is kept.
        schedule: How long.
        report: Told the steps done and the mean metrics after every call of the graph.

    Returns:
        The averaged refiner.

    Raises:
        CheckpointError: If the checkpoints are of another training, or one cannot be
            written.
        NonFiniteError: If a loss is not finite; the last checkpoint stays.
    """
    max_steps, batch_size, checkpoint_every = schedule
    fingerprint = {"refiner": trainer.describe(), "batch_size": batch_size}
    state = _restored(store, trainer, fingerprint)
    done = int(state.step)
    with (
        deferred_interruption() as interrupted,
        progress(max_steps, "training the refiner", "steps", done) as advance,
    ):
        for stack in _stacks(batches, batch_size, done, max_steps):
            before, (state, metrics) = done, trainer.advance(state, stack)
            done = int(state.step)
            values = dict(zip(METRICS, metrics.mean(axis=0).tolist(), strict=True))
            advance(done - before, f"error {values['error']:.3f}")
            if report is not None:
                report(done, values)
            is_due = done // checkpoint_every > before // checkpoint_every
            if is_due or done >= max_steps or interrupted():
                _save(store, state, fingerprint)
            if interrupted():
                break
    return trainer.refiner(state)


def _stacks(
    batches: RefinerBatches, batch_size: int, first: int, max_steps: int
) -> Iterator[RefinerBatch]:
    """Batches of some steps at a time, the next ones made while others are learnt."""

    def stack(first: int) -> RefinerBatch:
        last = min((first // STEPS_A_CALL + 1) * STEPS_A_CALL, max_steps)
        parts = [batches.batch(step, batch_size) for step in range(first, last)]
        return RefinerBatch(*(np.stack(part) for part in zip(*parts, strict=True)))

    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(stack, first) if first < max_steps else None
        while coming is not None:
            ready = coming.result()
            first += len(ready.flips)
            coming = maker.submit(stack, first) if first < max_steps else None
            yield ready


def _save(
    store: CheckpointStore, state: RefinerState, fingerprint: Mapping[str, Any]
) -> None:
    values = graph.to_numpy(keras.tree.flatten(state))
    arrays = {f"{index:04d}": value for index, value in enumerate(values)}
    store.save(Checkpoint(int(state.step), arrays, fingerprint))


def _restored(
    store: CheckpointStore, trainer: RefinerTrainer, fingerprint: Mapping[str, Any]
) -> RefinerState:
    state, checkpoint = trainer.initial_state(), store.latest()
    if checkpoint is None:
        return state
    if checkpoint.fingerprint != fingerprint:
        raise CheckpointError(
            f"the checkpoints in {store.folder} are of another training of a refiner "
            f"({checkpoint.fingerprint}, now {fingerprint}); move them away to begin "
            "anew"
        )
    arrays = checkpoint.arrays
    values = graph.to_device([arrays[name] for name in sorted(arrays)])
    restored: RefinerState = keras.tree.pack_sequence_as(state, values)
    return restored
