"""Loop of the steps of a network that is trained after a generator, resumable.

Batches are functions of the step, and the state is kept with all that a step changes,
so that a training which was killed and goes on ends in the same bytes as another.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.backend import graph
from facefill.backend.memory import keep_freed_memory
from facefill.errors import CheckpointError, NonFiniteError
from facefill.runtime.interrupts import deferred_interruption
from facefill.runtime.progress import progress
from facefill.training.checkpoints import Checkpoint, CheckpointStore

STEPS_A_CALL = 10

logger = logging.getLogger(__name__)

Report = Callable[[int, Mapping[str, float]], None]
"""Told the steps done and the mean metrics after every call of the graph."""


class Schedule(NamedTuple):
    """How long a network is trained.

    Attributes:
        max_steps: Steps in all.
        batch_size: Pictures a step.
        checkpoint_every: Steps between two checkpoints.
    """

    max_steps: int
    batch_size: int = 16
    checkpoint_every: int = 250


class StepTrainer(Protocol):
    """What takes the steps."""

    def initial_state(self) -> Any:
        """Make the state before the first step: nested arrays, ``step`` among them."""

    def advance(self, state: Any, batches: Any) -> tuple[Any, NDArray[np.float32]]:
        """Take as many steps as there are batches; give the state and the metrics."""


class Telling(NamedTuple):
    """What is told of a training.

    Attributes:
        title: What is done, for the progress bar.
        metrics: Names of the columns of the metrics; the first is shown.
        report: Told them; None is nobody.
    """

    title: str
    metrics: tuple[str, ...]
    report: Report | None = None


def take_steps(
    trainer: StepTrainer,
    batch_of: Callable[[int], Any],
    store: CheckpointStore,
    schedule: Schedule,
    fingerprint: Mapping[str, Any],
    telling: Telling,
) -> Any:
    """Train from the newest checkpoint, or from the start, to the last step.

    Args:
        trainer: Takes the steps.
        batch_of: Makes the batch of a step, a named tuple of arrays.
        store: Where the state is kept.
        schedule: How long.
        fingerprint: What the steps depend on, as values that JSON can hold.
        telling: Who is told of it.

    Returns:
        The state after the last step.

    Raises:
        CheckpointError: If the checkpoints are of another training, or one cannot be
            written.
        NonFiniteError: If a loss is not finite; the last checkpoint stays.
    """
    max_steps, _, checkpoint_every = schedule
    keep_freed_memory()
    state = _restored(store, trainer, fingerprint)
    done = int(state.step)
    with (
        deferred_interruption() as interrupted,
        progress(max_steps, telling.title, "steps", done) as advance,
    ):
        for stack in _stacks(batch_of, done, max_steps):
            before, (state, metrics) = done, trainer.advance(state, stack)
            done = int(state.step)
            means = metrics.mean(axis=0).tolist()
            advance(done - before, f"{telling.metrics[0]} {means[0]:.3f}")
            if telling.report is not None:
                telling.report(done, dict(zip(telling.metrics, means, strict=True)))
            is_due = done // checkpoint_every > before // checkpoint_every
            if is_due or done >= max_steps or interrupted():
                _save(store, state, fingerprint)
            if interrupted():
                break
    return state


def finite_metrics(records: Any, network: str, step: int) -> NDArray[np.float32]:
    """Copy the metrics of steps out of the graph.

    Args:
        records: Tensor (steps, metrics).
        network: Whose they are, for the message.
        step: Steps done after them.

    Raises:
        NonFiniteError: If a metric is not finite.
    """
    metrics = np.asarray(ops.convert_to_numpy(records))
    if not np.isfinite(metrics).all():
        raise NonFiniteError(
            f"a loss of the {network} is not finite at step {step}; training stops, "
            "its last checkpoint stays"
        )
    return metrics


def forget_other(
    store: CheckpointStore, fingerprint: Mapping[str, Any], network: str, max_steps: int
) -> None:
    """Delete checkpoints of another training, which begins anew; say what changed.

    Another is one that has taken more steps, too: it cannot be taken back.

    Args:
        store: Where they are.
        fingerprint: What the steps depend on now.
        network: What is trained, for the log.
        max_steps: Steps that are to be taken.
    """
    checkpoint = store.latest()
    if checkpoint is None:
        return
    then, has_more = checkpoint.fingerprint, checkpoint.step > max_steps
    if then == fingerprint and not has_more:
        return
    names = [name for name in fingerprint if then.get(name) != fingerprint[name]]
    if has_more:
        names.append("number of steps")
    logger.info(
        "the %s in %s was trained with another %s; it is trained anew",
        network,
        store.folder,
        " and ".join(names),
    )
    store.forget_all()


def _stacks(
    batch_of: Callable[[int], Any], first: int, max_steps: int
) -> Iterator[Any]:
    """Batches of some steps at a time, the next ones made while others are learnt."""

    def stack(first: int) -> tuple[int, Any]:
        last = min((first // STEPS_A_CALL + 1) * STEPS_A_CALL, max_steps)
        parts = [batch_of(step) for step in range(first, last)]
        stacked = keras.tree.map_structure(lambda *each: np.stack(each), *parts)
        return last, stacked

    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(stack, first) if first < max_steps else None
        while coming is not None:
            last, ready = coming.result()
            coming = maker.submit(stack, last) if last < max_steps else None
            yield ready


def _save(store: CheckpointStore, state: Any, fingerprint: Mapping[str, Any]) -> None:
    values = graph.to_numpy(keras.tree.flatten(state))
    arrays = {f"{index:04d}": value for index, value in enumerate(values)}
    store.save(Checkpoint(int(state.step), arrays, fingerprint))


def _restored(
    store: CheckpointStore, trainer: StepTrainer, fingerprint: Mapping[str, Any]
) -> Any:
    state, checkpoint = trainer.initial_state(), store.latest()
    if checkpoint is None:
        return state
    if checkpoint.fingerprint != fingerprint:
        raise CheckpointError(
            f"the checkpoints in {store.folder} are of another training "
            f"({checkpoint.fingerprint}, now {fingerprint}); move them away to begin "
            "anew"
        )
    arrays = checkpoint.arrays
    values = graph.to_device([arrays[name] for name in sorted(arrays)])
    return keras.tree.pack_sequence_as(state, values)
