"""Checkpoints in a cluster: read and written by the chief, broadcast to the others.

The chief alone reads and writes files, so that the others need no access to its
disk and none of them writes what another is reading.
"""

import json
from pathlib import Path

from facefill.errors import TrainingError
from facefill.runtime.tracking import flatten
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.distribution import Strategy
from facefill.training.fingerprint import CHANGEABLE, RunFingerprint

_STEP_BYTES = 8


class ChiefCheckpointStore(CheckpointStore):
    """The chief's store, for all processes of a cluster.

    What reads waits for all of them to read; what writes does nothing but in the
    chief.
    """

    def __init__(self, store: CheckpointStore, strategy: Strategy) -> None:
        """Take the store of this process, which counts if it is the chief's."""
        super().__init__(store.folder)
        self._own = store
        self._strategy = strategy

    def save(self, checkpoint: Checkpoint) -> Path:
        """See ``CheckpointStore``."""
        return self._own.save(checkpoint) if self._strategy.is_chief else self.folder

    def latest(self) -> Checkpoint | None:
        """See ``CheckpointStore``."""
        return self._shared(self._own.latest() if self._strategy.is_chief else None)

    def best(self) -> Checkpoint | None:
        """See ``CheckpointStore``."""
        return self._shared(self._own.best() if self._strategy.is_chief else None)

    def keep_best(self, step: int) -> None:
        """See ``CheckpointStore``."""
        if self._strategy.is_chief:
            self._own.keep_best(step)

    def forget_best_after(self, step: int) -> None:
        """See ``CheckpointStore``."""
        if self._strategy.is_chief:
            self._own.forget_best_after(step)

    def _shared(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        content = b""
        if checkpoint is not None:
            content = checkpoint.step.to_bytes(_STEP_BYTES) + checkpoint.to_bytes()
        content = self._strategy.broadcast(content)
        if not content:
            return None
        step = int.from_bytes(content[:_STEP_BYTES])
        return Checkpoint.from_bytes(step, content[_STEP_BYTES:])


def shared(store: CheckpointStore, strategy: Strategy) -> CheckpointStore:
    """Wrap the store of a training where there is a cluster."""
    if strategy.cluster.world_size == 1:
        return store
    return ChiefCheckpointStore(store, strategy)


def require_agreement(fingerprint: RunFingerprint, strategy: Strategy) -> None:
    """Refuse to train together on other data, or with other parameters.

    Args:
        fingerprint: Of the training of this process.
        strategy: Names its cluster, all of which has to ask.

    Raises:
        TrainingError: In the process that differs from the chief, naming the first
            difference with both values.
    """
    encoded = json.dumps(fingerprint).encode()
    own = flatten(json.loads(encoded))
    chief = flatten(json.loads(strategy.broadcast(encoded)))
    for name, value in sorted(chief.items()):
        if own.get(name) != value:
            raise TrainingError(
                f"this process has {name.removeprefix(f'{CHANGEABLE}.')} = "
                f"{own.get(name)}, the first one of the cluster has {value}; all have "
                "to be the same"
            )
