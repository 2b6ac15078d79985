"""The exact state of a training, in files that a crash or a bit flip cannot fake.

Synopsis::

    store = CheckpointStore(folder, keep=2)
    store.save(Checkpoint(step=500, arrays=arrays, origin=origin))
    checkpoint = store.latest()

A checkpoint is one ``.npz`` (read without pickle) whose name ends with the
hash of its content: ``step-00000500-0f3a….npz``. It is written under another
name, synced and moved, so a file of that name is whole or was damaged later,
and then its hash tells. Older checkpoints are deleted only after the new one
stands.
"""

import hashlib
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facefill.errors import CheckpointError
from facefill.files import remove_litter, write_bytes

_HASH_DIGITS = 32
_ORIGIN = "origin.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """The state after a step.

    Attributes:
        step: Steps done.
        arrays: The state by name.
        origin: What the state depends on: data, architecture, parameters.
    """

    step: int
    arrays: Mapping[str, np.ndarray]
    origin: Mapping[str, Any]

    def require_origin(self, origin: Mapping[str, Any], folder: Path) -> None:
        """Refuse to continue what was begun with other data or parameters.

        Raises:
            CheckpointError: Naming the first difference with both values.
        """
        for name in sorted({*self.origin, *origin}):
            then, now = self.origin.get(name), origin.get(name)
            if then != now:
                raise CheckpointError(
                    f"the training in {folder} was begun with {name} = {then}, now it "
                    f"is {now}; set it back, or move that folder away to begin anew"
                )


class CheckpointStore:
    """A folder of checkpoints, of which the newest ones are kept."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        """Name the folder, which need not exist, and how many to keep."""
        self.folder = folder
        self._keep = keep

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint and delete those beyond the number to keep.

        Returns:
            The file written.

        Raises:
            OSError: If it cannot be written (disk full); what was there stays.
        """
        origin = np.frombuffer(json.dumps(checkpoint.origin).encode(), np.uint8)
        stream = io.BytesIO()
        # Named arguments confuse numpy's own annotation with allow_pickle.
        np.savez(stream, **{_ORIGIN: origin, **checkpoint.arrays})  # type: ignore[arg-type]
        content = stream.getvalue()
        path = self.folder / f"step-{checkpoint.step:08d}-{_digest(content)}.npz"
        remove_litter(self.folder)
        write_bytes(path, content)
        for old in self._paths()[self._keep :]:
            if old != path:
                old.unlink(missing_ok=True)
        return path

    def latest(self) -> Checkpoint | None:
        """Read the newest checkpoint that is whole; damaged ones are named.

        Returns:
            The checkpoint, or None if the folder holds none at all.

        Raises:
            CheckpointError: If there are checkpoints and every one is damaged.
        """
        paths = self._paths()
        for path in paths:
            content = path.read_bytes()
            expected = path.stem.rsplit("-", 1)[-1]
            if _digest(content) == expected:
                return _parse(path, content)
            logger.warning("%s is damaged: its content does not match its hash", path)
        if paths:
            raise CheckpointError(
                f"every checkpoint in {self.folder} is damaged; restore one from a "
                "copy, or move the folder away to train anew"
            )
        return None

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("step-*-*.npz"), reverse=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]


def _parse(path: Path, content: bytes) -> Checkpoint:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    origin = json.loads(arrays.pop(_ORIGIN).tobytes())
    return Checkpoint(step=int(path.stem.split("-")[1]), arrays=arrays, origin=origin)
