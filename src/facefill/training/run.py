"""Training run: state, history, scores, and their checkpoints."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from facefill.backend import graph
from facefill.errors import NonFiniteError
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.fingerprint import RunFingerprint, require_same
from facefill.training.state import Batch, TrainState
from facefill.training.trainer import Trainer

SCORES = (
    "diversity",
    "face_frechet",
    "face_frechet_floor",
    "face_kernel",
    "face_kernel_floor",
    "face_diversity",
    "nearest_sample",
    "nearest_held_out",
    "inception_fid",
    "inception_fid_floor",
    "inception_kid",
    "inception_kid_floor",
)
"""Names of what may be measured of samples, in the order of their columns in a
checkpoint: new ones are added at the end, so that old checkpoints stay readable."""

BEST_BY = "face_frechet"

_HISTORY, _SCORES = "history", "scores"

logger = logging.getLogger(__name__)


class Run:
    """A training under way.

    Attributes:
        state: Of the networks and of Adam.
        history: A row a call of the graph: step, metrics, images a second.
        scores: A row a measurement: step, then SCORES, NaN where one was not made.
    """

    def __init__(
        self, trainer: Trainer, state: TrainState, fingerprint: RunFingerprint
    ) -> None:
        """Begin at a state, with empty curves."""
        self._trainer = trainer
        self._fingerprint = fingerprint
        self.state = state
        self.history: list[np.ndarray] = []
        self.scores: list[np.ndarray] = []

    @classmethod
    def restore(
        cls, fingerprint: RunFingerprint, trainer: Trainer, store: CheckpointStore
    ) -> "Run":
        """Continue from the newest checkpoint, or begin.

        Args:
            fingerprint: From ``fingerprint_of`` the photos and the trainer.
            trainer: The networks.
            store: Where the checkpoints are.

        Raises:
            CheckpointError: If the checkpoints are of another training, or damaged.
        """
        run = cls(trainer, trainer.initial_state(), fingerprint)
        checkpoint = store.latest()
        if checkpoint is None:
            return run
        require_same(checkpoint.fingerprint, fingerprint, store.folder)
        logger.info("continuing the training from step %d", checkpoint.step)
        run._take(checkpoint)
        # A kill between saving the best state and keeping it apart, or damage that
        # led back to an older state: make good for the one, forget the other.
        store.forget_best_after(checkpoint.step)
        if run.is_best_so_far:
            store.keep_best(checkpoint.step)
        return run

    @property
    def done(self) -> int:
        """Steps done."""
        return int(self.state.step)

    @property
    def is_best_so_far(self) -> bool:
        """Whether this very state has the best score of all that ``note`` was given."""
        column = 1 + SCORES.index(BEST_BY)
        measured = [row for row in self.scores if np.isfinite(row[column])]
        if not measured:
            return False
        best = min(measured, key=lambda row: float(row[column]))
        return int(best[0]) == self.done

    def advance(self, batches: Batch) -> np.ndarray:
        """Take the steps of the batches; return and keep their row of history."""
        started = time.monotonic()
        self.state, metrics = self._trainer.advance(self.state, batches)
        rate = batches.flips.size / (time.monotonic() - started)
        row = np.array([self.done, *metrics.mean(axis=0), rate])
        self.history.append(row)
        return row

    def note(self, values: Mapping[str, float]) -> None:
        """Keep what was measured of the samples of this state; nothing if empty."""
        if not values:
            return
        row = [float(self.done), *(values.get(name, np.nan) for name in SCORES)]
        self.scores.append(np.array(row))

    def save(self, store: CheckpointStore) -> None:
        """Write the state and the curves as one checkpoint.

        Raises:
            NonFiniteError: If a number of the state is not finite; nothing is
                written then.
            CheckpointError: If it cannot be written; what was there stays.
        """
        values = graph.to_numpy(keras.tree.flatten(self.state))
        self._require_finite(values)
        arrays = {f"{index:04d}": value for index, value in enumerate(values)}
        arrays[_HISTORY] = np.array(self.history)
        arrays[_SCORES] = np.array(self.scores).reshape(-1, 1 + len(SCORES))
        store.save(Checkpoint(self.done, arrays, self._fingerprint))
        if self.is_best_so_far:
            store.keep_best(self.done)

    def best(self, store: CheckpointStore) -> "Run":
        """Load the training as it was at the best score; itself if there is none."""
        checkpoint = store.best()
        if checkpoint is None or checkpoint.step == self.done:
            return self
        run = Run(self._trainer, self.state, self._fingerprint)
        run._take(checkpoint)
        return run

    def _take(self, checkpoint: Checkpoint) -> None:
        arrays = dict(checkpoint.arrays)
        self.history = list(arrays.pop(_HISTORY))
        self.scores = _widened(arrays.pop(_SCORES, np.empty((0, 1 + len(SCORES)))))
        values = graph.to_device([arrays[name] for name in sorted(arrays)])
        self.state = keras.tree.pack_sequence_as(self.state, values)

    def _require_finite(self, values: Sequence[np.ndarray]) -> None:
        if all(np.isfinite(value).all() for value in values):
            return
        numbers = keras.tree.pack_sequence_as(self.state, values)
        for part in ("generator", "discriminator"):
            for kind, content in getattr(numbers, part)._asdict().items():
                if not _is_finite(content):
                    raise _not_finite(f"{kind} of the {part}", self.done)
        raise _not_finite("the average of the generator", self.done)


def _is_finite(nested: Any) -> bool:
    return all(np.isfinite(value).all() for value in keras.tree.flatten(nested))


def _not_finite(what: str, step: int) -> NonFiniteError:
    return NonFiniteError(
        f"not every number of {what} is finite at step {step}; training stops, its "
        "last checkpoint stays; lower train.learning_rate"
    )


def _widened(scores: np.ndarray) -> list[np.ndarray]:
    """Add the columns that a checkpoint of an older version does not have."""
    missing = 1 + len(SCORES) - scores.shape[1]
    return list(np.pad(scores, ((0, 0), (0, missing)), constant_values=np.nan))
