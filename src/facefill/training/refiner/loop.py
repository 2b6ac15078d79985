"""Training loop of the refiner: batches in, checkpoints and metrics out."""

import keras

from facefill.training.checkpoints import CheckpointStore
from facefill.training.refiner.batches import RefinerBatches
from facefill.training.refiner.step import METRICS
from facefill.training.refiner.trainer import RefinerTrainer
from facefill.training.step_loop import Report, Schedule, Telling, take_steps

__all__ = ["Schedule", "train_refiner"]


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
    state = take_steps(
        trainer,
        lambda step: batches.batch(step, schedule.batch_size),
        store,
        schedule,
        {"refiner": trainer.describe(), "batch_size": schedule.batch_size},
        Telling("training the refiner", METRICS, report),
    )
    return trainer.refiner(state)
