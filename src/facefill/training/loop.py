"""Training loop: batches in, metrics and sample grids out, checkpoints kept."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np

from facefill.backend.memory import keep_freed_memory
from facefill.errors import DataError, TrainingError
from facefill.evaluation.sample_quality import SampleQuality, pixel_diversity
from facefill.imaging.pictures import grid
from facefill.preparation.sharded_array import ImageArray
from facefill.runtime import rng
from facefill.runtime.interrupts import deferred_interruption
from facefill.runtime.progress import progress
from facefill.training.batches import batches
from facefill.training.checkpoints import CheckpointStore
from facefill.training.fingerprint import fingerprint_of
from facefill.training.monitors import Monitors
from facefill.training.run import SCORES, Run
from facefill.training.shared_checkpoints import require_agreement, shared
from facefill.training.state import TrainState
from facefill.training.trainer import Trainer

NUM_GRID_SAMPLES = 64

_SAMPLES_A_CALL = 64

logger = logging.getLogger(__name__)


class Reporter(Protocol):
    """Where a training tells how it goes, while it runs."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Take the metrics of a step; each (name, step) comes at most once a run."""

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """Take a picture, uint8 (H, W, 3)."""


@dataclass(frozen=True)
class TrainedModels:
    """Result of a training.

    Attributes:
        generator: The moving average of G (G itself if there is none).
        discriminator: D.
        step: Steps done.
        model_step: Step that the models are of.
        history: Values by name, ``step`` among them, one a call of the graph from
            the first step of the training on.
        scores: Measurements of samples, each a step and the values made at it.
    """

    generator: keras.Model
    discriminator: keras.Model
    step: int
    model_step: int
    history: Mapping[str, Sequence[float]]
    scores: Sequence[Mapping[str, float]]


def train(
    photos: ImageArray,
    trainer: Trainer,
    store: CheckpointStore,
    reporter: Reporter,
    assessor: SampleQuality | None = None,
) -> TrainedModels:
    """Train from the newest checkpoint, or from the start, to the last step.

    Args:
        photos: Those of the training split, uint8 (N, S, S, 3); may be memory
            maps larger than memory.
        trainer: The networks, their options and the seed.
        store: Where the state is kept.
        reporter: Told the metrics after every call of the graph, and given a grid
            of samples of the same latents before the first step and every
            ``sample_every`` steps.
        assessor: Compares samples with held-out faces every ``evaluate_every``
            steps; without one there is no best checkpoint.

    Returns:
        The models after ``max_steps`` steps, or those of the best score.

    Raises:
        DataError: If there are fewer photos than a batch holds.
        CheckpointError: If the checkpoints belong to another training, or one
            cannot be written.
        NonFiniteError: If a loss or a number of the state is not finite; the last
            checkpoint stays.
        TrainingError: If another process of the cluster is gone, was interrupted, or
            has other data or parameters.
    """
    options, strategy = trainer.options, trainer.strategy
    _require_enough(photos, options.batch_size)
    keep_freed_memory()
    with strategy.placement():
        fingerprint = fingerprint_of(photos, trainer)
        require_agreement(fingerprint, strategy)
        store = shared(store, strategy)
        run = Run.restore(fingerprint, trainer, store)
        reporting = _Reporting(run, photos, trainer, reporter, assessor)
        reporting.begin()
        with (
            deferred_interruption() as interrupted,
            progress(options.max_steps, "training", "steps", run.done) as advance_bar,
        ):
            for stack in batches(photos, options, trainer.seed, run.done):
                before = run.done
                row = run.advance(stack)
                advance_bar(run.done - before, _note(_named(row, trainer.metrics)))
                finished = run.done >= options.max_steps
                scores = reporting.measure(before, finished)
                run.note(scores)
                reporting.report(scores)
                stops = strategy.any(interrupted())
                is_due = _passes(before, run.done, options.checkpoint_every)
                if is_due or finished or stops or run.is_best_so_far:
                    run.save(store)
                if stops:
                    break
        _require_end(run.done, options.max_steps)
        chosen = run.best(store) if options.model_from == "best" else run
        generator, discriminator = trainer.models(chosen.state)
    return TrainedModels(
        generator,
        discriminator,
        step=run.done,
        model_step=chosen.done,
        history=_columns(run.history, trainer.metrics),
        scores=[{"step": float(row[0])} | _scored(row) for row in run.scores],
    )


def report(models: TrainedModels, photos: ImageArray) -> dict[str, Any]:
    """Summarise a training as JSON: steps, photos seen, last metrics, curves."""
    last_of_each: dict[str, float] = {}
    for scores in models.scores:
        last_of_each |= scores
    return {
        "steps": models.step,
        "model_step": models.model_step,
        "faces": len(photos),
        "last": {name: values[-1] for name, values in models.history.items()},
        "last_scores": last_of_each,
        "history": dict(models.history),
        "scores": list(models.scores),
    }


class _Reporting:
    """Measures samples when that is due, and tells the reporter; the chief only."""

    def __init__(
        self,
        run: Run,
        photos: ImageArray,
        trainer: Trainer,
        reporter: Reporter,
        assessor: SampleQuality | None,
    ) -> None:
        self._run = run
        self._photos = photos
        self._trainer = trainer
        self._reporter = reporter
        self._assessor = assessor
        self._monitors = Monitors()

    def begin(self) -> None:
        """Report the curves of what was done before this run.

        Before the first step it is the samples of networks that have learnt nothing.
        They show what the others are to be compared with, and MLflow's slider over
        pictures opens at step 0, whether there is a picture or not.
        """
        if not self._trainer.strategy.is_chief:
            return
        if not self._run.done:
            self._show(self._samples(NUM_GRID_SAMPLES))
        scores = {int(row[0]): _scored(row) for row in self._run.scores}
        for row in self._run.history:
            values = _named(row, self._trainer.metrics)
            self._reporter.scalars(int(row[0]), values | scores.get(int(row[0]), {}))

    def report(self, scores: Mapping[str, float]) -> None:
        """Report the metrics of the last call, and what was measured after it."""
        if not self._trainer.strategy.is_chief:
            return
        run, names = self._run, self._trainer.metrics
        values = _named(run.history[-1], names) | dict(scores)
        values |= self._monitors.discriminator_wins(run.history, names)
        if "diversity" in scores:
            values |= self._monitors.mode_collapse(run.done, scores["diversity"])
        self._reporter.scalars(run.done, values)

    def measure(self, before: int, finished: bool) -> dict[str, float]:
        """Measure samples of the state, as far as that is due.

        Args:
            before: Steps done before the last call.
            finished: Whether the training ends here, when everything is measured.

        Returns:
            Values by name, of those in ``run.SCORES``; empty if nothing is due.
        """
        if not self._trainer.strategy.is_chief:
            return {}
        options, done = self._trainer.options, self._run.done
        scores: dict[str, float] = {}
        if finished or _passes(before, done, options.sample_every):
            samples = self._samples(NUM_GRID_SAMPLES)
            self._show(samples)
            scores["diversity"] = pixel_diversity(samples, self._photos)
        is_due = finished or _passes(before, done, options.evaluate_every)
        if self._assessor is not None and is_due:
            logger.info("comparing samples with held-out faces")
            samples = self._samples(self._assessor.count)
            scores |= self._assessor.assess(samples)
            if finished:
                distances, strip = self._assessor.nearest(samples, self._photos)
                self._reporter.picture(done, "nearest", strip)
                scores |= distances
        return scores

    def _show(self, samples: np.ndarray) -> None:
        self._reporter.picture(self._run.done, "samples", grid(samples))

    def _samples(self, count: int) -> np.ndarray:
        return fixed_samples(self._trainer, self._run.state, count)


def fixed_samples(trainer: Trainer, state: TrainState, count: int) -> np.ndarray:
    """Generate from the same latents as at every other step; uint8 (count, S, S, 3)."""
    sample_rng = rng.keyed_rng(trainer.seed, rng.Purpose.SAMPLES)
    rounds = -(-count // _SAMPLES_A_CALL)
    latents = rng.uniform_latents(
        sample_rng, rounds * _SAMPLES_A_CALL, trainer.options.latent_size
    )
    parts = [trainer.generate(state, part) for part in np.split(latents, rounds)]
    return np.concatenate(parts)[:count]


def _require_end(done: int, max_steps: int) -> None:
    """Stop where this process was not interrupted itself, which it would have met."""
    if done < max_steps:
        raise TrainingError(
            f"another process of the cluster was interrupted; step {done} is saved, "
            "and the same command for each of them goes on from there"
        )


def _require_enough(photos: ImageArray, batch_size: int) -> None:
    if len(photos) < batch_size:
        raise DataError(
            f"the training set has {len(photos)} faces, a batch {batch_size}; add "
            "photos or lower train.batch_size"
        )


def _named(row: np.ndarray, metrics: Sequence[str]) -> dict[str, float]:
    names = (*metrics, "images_per_second")
    return dict(zip(names, row[1:].tolist(), strict=True))


def _scored(row: np.ndarray) -> dict[str, float]:
    """Name the values of a measurement, without those that were not made."""
    pairs = zip(SCORES, row[1:].tolist(), strict=True)
    return {name: value for name, value in pairs if math.isfinite(value)}


def _columns(
    history: Sequence[np.ndarray], metrics: Sequence[str]
) -> dict[str, list[float]]:
    names = ("step", *metrics, "images_per_second")
    return {
        name: [float(row[column]) for row in history]
        for column, name in enumerate(names)
    }


def _note(values: Mapping[str, float]) -> str:
    return (
        f"D(x) {values['d_real']:.2f}  D(G(z)) {values['d_fake']:.2f}  "
        f"loss G {values['loss_generator']:.2f}  "
        f"{values['images_per_second']:.0f} images/s"
    )


def _passes(before: int, after: int, interval: int) -> bool:
    return interval > 0 and after // interval > before // interval
