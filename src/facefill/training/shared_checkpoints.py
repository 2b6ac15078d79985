"""One training's checkpoints and origin for all processes of a cluster.

The chief alone reads and writes files, so that the others need no access to its
disk and none of them writes what another is reading.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facefill.errors import TrainingError
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.distribution import Replicas

_STEP_BYTES = 8


class ChiefCheckpointStore(CheckpointStore):
    """The chief's store, for all processes of a cluster.

    What reads waits for all of them to read; what writes does nothing but in the
    chief.
    """

    def __init__(self, store: CheckpointStore, replicas: Replicas) -> None:
        """Take the store of this process, which counts if it is the chief's."""
        super().__init__(store.folder)
        self._own = store
        self._replicas = replicas

    def save(self, checkpoint: Checkpoint) -> Path:
        """See ``CheckpointStore``."""
        return self._own.save(checkpoint) if self._replicas.is_chief else self.folder

    def latest(self) -> Checkpoint | None:
        """See ``CheckpointStore``."""
        return self._shared(self._own.latest() if self._replicas.is_chief else None)

    def best(self) -> Checkpoint | None:
        """See ``CheckpointStore``."""
        return self._shared(self._own.best() if self._replicas.is_chief else None)

    def keep_best(self, step: int) -> None:
        """See ``CheckpointStore``."""
        if self._replicas.is_chief:
            self._own.keep_best(step)

    def forget_best_after(self, step: int) -> None:
        """See ``CheckpointStore``."""
        if self._replicas.is_chief:
            self._own.forget_best_after(step)

    def _shared(self, checkpoint: Checkpoint | None) -> Checkpoint | None:
        content = b""
        if checkpoint is not None:
            content = checkpoint.step.to_bytes(_STEP_BYTES) + checkpoint.to_bytes()
        content = self._replicas.share(content)
        if not content:
            return None
        step = int.from_bytes(content[:_STEP_BYTES])
        return Checkpoint.from_bytes(step, content[_STEP_BYTES:])


def shared(store: CheckpointStore, replicas: Replicas) -> CheckpointStore:
    """Give the store of a training, which is the chief's where there is a cluster."""
    return (
        ChiefCheckpointStore(store, replicas) if replicas.cluster.count > 1 else store
    )


def require_agreement(origin: Mapping[str, Any], replicas: Replicas) -> None:
    """Refuse to train together on other data, or with other parameters.

    Args:
        origin: What the training of this process depends on.
        replicas: Its cluster, all of which has to ask.

    Raises:
        TrainingError: In the process that differs from the chief, naming the first
            difference with both values.
    """
    chief = json.loads(replicas.share(json.dumps(origin).encode()))
    own = _flat(json.loads(json.dumps(origin)))
    for name, value in sorted(_flat(chief).items()):
        if own.get(name) != value:
            raise TrainingError(
                f"this process has {name} = {own.get(name)}, the first one of the "
                f"cluster has {value}; all have to be the same"
            )


def _flat(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Lift what is nested in an origin."""
    flat: dict[str, Any] = {}
    for name, value in origin.items():
        flat |= value if isinstance(value, dict) else {name: value}
    return flat
