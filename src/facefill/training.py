"""The loop of a training: batches in, metrics and pictures out, the state kept."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import keras
import numpy as np

from facefill import backend, randomness
from facefill.batches import batches, digest
from facefill.checkpoints import Checkpoint, CheckpointStore
from facefill.dcgan import METRICS, Trainer
from facefill.errors import DataError
from facefill.images import grid
from facefill.interruption import deferred_interruption
from facefill.progress import progress
from facefill.sharding import Images
from facefill.states import Batch, State

NUM_GRID_SAMPLES = 64

_HISTORY = "history"

logger = logging.getLogger(__name__)


class Reporter(Protocol):
    """Where a training tells how it goes, while it runs."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take the metrics of a step; each (name, step) comes at most once a run."""

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """Take a picture, uint8 (H, W, 3)."""


@dataclass(frozen=True)
class TrainedModels:
    """What training makes.

    Attributes:
        generator: The moving average of G (G itself if there is none).
        discriminator: D.
        step: Steps done.
        history: A row a call of the graph, from the first step of the training
            on: the step, then METRICS, then images a second; float64.
    """

    generator: keras.Model
    discriminator: keras.Model
    step: int
    history: np.ndarray


def train(
    photos: Images,
    trainer: Trainer,
    store: CheckpointStore,
    reporter: Reporter,
) -> TrainedModels:
    """Train from the newest checkpoint, or from the start, to the last step.

    Args:
        photos: Those of the training split, uint8 (N, S, S, 3); may be memory
            maps larger than memory.
        trainer: The networks, their options and the seed.
        store: Where the state is kept.
        reporter: Told the metrics after every call of the graph, and given a grid
            of samples of the same latents every ``sample_every`` steps.

    Returns:
        The models after ``max_steps`` steps.

    Raises:
        DataError: If there are fewer photos than a batch holds.
        CheckpointError: If the checkpoints belong to another training.
        NonFiniteError: If a loss is not finite; the last checkpoint stays.
    """
    options = trainer.options
    _require_enough(photos, options.batch_size)
    with backend.on_device(options.device):
        run = _Run.restore(photos, trainer, store)
        for row in run.history:
            reporter.scalars(int(row[0]), _named(row))
        with (
            deferred_interruption() as interrupted,
            progress(options.max_steps, "training", "steps", run.done) as advance_bar,
        ):
            for stack in batches(photos, options, trainer.seed, run.done):
                before = run.done
                row = run.advance(stack)
                reporter.scalars(run.done, _named(row))
                advance_bar(run.done - before, _note(row))
                last = run.done >= options.max_steps or interrupted()
                if last or _passes(before, run.done, options.sample_every):
                    picture = sample_grid(trainer, run.state)
                    reporter.picture(run.done, "samples", picture)
                if last or _passes(before, run.done, options.checkpoint_every):
                    run.save(store)
                if interrupted():
                    break
        generator, discriminator = trainer.models(run.state)
    return TrainedModels(generator, discriminator, run.done, np.array(run.history))


def report(models: TrainedModels, photos: Images) -> dict[str, Any]:
    """Summarise a training as JSON: steps, photos seen, last metrics, curves."""
    names = ("step", *METRICS, "images_per_second")
    curves = {
        name: models.history[:, column].tolist() for column, name in enumerate(names)
    }
    return {
        "steps": models.step,
        "faces": len(photos),
        "last": {name: values[-1] for name, values in curves.items()},
        "history": curves,
    }


class _Run:
    """A training under way: its state, its history, and what both depend on."""

    def __init__(self, trainer: Trainer, state: State, origin: dict[str, Any]) -> None:
        self._trainer = trainer
        self.state = state
        self.history: list[np.ndarray] = []
        self._origin = origin

    @classmethod
    def restore(
        cls, photos: Images, trainer: Trainer, store: CheckpointStore
    ) -> "_Run":
        """Continue from the newest checkpoint, or begin."""
        run = cls(trainer, trainer.initial_state(), _origin(photos, trainer))
        checkpoint = store.latest()
        if checkpoint is not None:
            checkpoint.require_origin(run._origin, store.folder)
            logger.info("continuing the training from step %d", checkpoint.step)
            arrays = dict(checkpoint.arrays)
            run.history = list(arrays.pop(_HISTORY))
            values = backend.to_device([arrays[name] for name in sorted(arrays)])
            run.state = keras.tree.pack_sequence_as(run.state, values)
        return run

    @property
    def done(self) -> int:
        """Steps done."""
        return int(self.state.step)

    def advance(self, batches: Batch) -> np.ndarray:
        """Take the steps of the batches; return and keep their row of history."""
        started = time.monotonic()
        self.state, metrics = self._trainer.advance(self.state, batches)
        rate = batches.flips.size / (time.monotonic() - started)
        row = np.array([self.done, *metrics.mean(axis=0), rate])
        self.history.append(row)
        return row

    def save(self, store: CheckpointStore) -> None:
        """Write the state and the history as one checkpoint."""
        values = backend.to_numpy(keras.tree.flatten(self.state))
        arrays = {f"{place:04d}": value for place, value in enumerate(values)}
        arrays[_HISTORY] = np.array(self.history)
        store.save(Checkpoint(step=self.done, arrays=arrays, origin=self._origin))


def sample_grid(trainer: Trainer, state: State) -> np.ndarray:
    """Picture the same latents as at every other step; uint8 (H, W, 3)."""
    draw = randomness.generator(trainer.seed, randomness.Purpose.SAMPLES)
    latents = randomness.uniform_latents(
        draw, NUM_GRID_SAMPLES, trainer.options.latent_size
    )
    return grid(trainer.paint(state, latents))


def _require_enough(photos: Images, batch_size: int) -> None:
    if len(photos) < batch_size:
        raise DataError(
            f"the training set has {len(photos)} faces, a batch {batch_size}; add "
            "photos or lower train.batch_size"
        )


def _named(row: np.ndarray) -> dict[str, float]:
    return dict(zip((*METRICS, "images_per_second"), row[1:].tolist(), strict=True))


def _note(row: np.ndarray) -> str:
    values = _named(row)
    return (
        f"D(x) {values['d_real']:.2f}  D(G(z)) {values['d_fake']:.2f}  "
        f"loss G {values['loss_generator']:.2f}  "
        f"{values['images_per_second']:.0f} images/s"
    )


def _passes(before: int, after: int, interval: int) -> bool:
    return after // interval > before // interval


def _origin(photos: Images, trainer: Trainer) -> dict[str, Any]:
    """Name what the steps depend on; the learning rate may change on purpose."""
    options = trainer.options
    followed = (
        "batch_size",
        "beta_1",
        "generator_updates",
        "update_order",
        "flip",
        "average_decay",
    )
    # Trainings begun before there was a choice began at random, and say nothing.
    begun = (
        {} if options.start_from == "random" else {"train.start_from": trainer.start}
    )
    return {
        **{f"train.{name}": getattr(options, name) for name in followed},
        **begun,
        **asdict(trainer.architecture),
        "seed": trainer.seed,
        "faces": f"{len(photos)} of hash {digest(photos)}",
    }
