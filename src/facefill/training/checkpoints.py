"""Checkpoint store: the exact training state in files that carry their hash.

Synopsis::

    store = CheckpointStore(folder, keep=2)
    store.save(Checkpoint(step=500, arrays=arrays, fingerprint=fingerprint))
    checkpoint = store.latest()

A checkpoint is one ``.npz`` (read without pickle) whose name ends with the
hash of its content: ``step-00000500-0f3a….npz``. It is written under another
name, synced and moved, so a file of that name is whole or was damaged later,
and then its hash tells. Older checkpoints are deleted only after the new one
stands.

The checkpoint of the best score is kept beside the newest ones, as ``best-…`` with
the same step and hash; to continue from it is the last resort.
"""

import hashlib
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facefill.errors import CheckpointError
from facefill.runtime.files import link_or_copy, remove_litter, write_bytes

_HASH_DIGITS = 32
_FINGERPRINT = "origin.json"
_NAME = re.compile(rf"(step|best)-\d{{8,}}-[0-9a-f]{{{_HASH_DIGITS}}}\.npz")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """The state after a step.

    Attributes:
        step: Steps done.
        arrays: The state by name.
        fingerprint: What the state depends on: data, architecture, parameters.
    """

    step: int
    arrays: Mapping[str, np.ndarray]
    fingerprint: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Encode all but the step, which is in the name of a file."""
        fingerprint = np.frombuffer(json.dumps(self.fingerprint).encode(), np.uint8)
        stream = io.BytesIO()
        arrays = {_FINGERPRINT: fingerprint, **self.arrays}
        # Named arguments confuse numpy's own annotation with allow_pickle.
        np.savez(stream, **arrays)  # type: ignore[arg-type]
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, step: int, content: bytes) -> "Checkpoint":
        """Decode what ``to_bytes`` made."""
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        fingerprint = json.loads(arrays.pop(_FINGERPRINT).tobytes())
        return cls(step=step, arrays=arrays, fingerprint=fingerprint)


class CheckpointStore:
    """A folder of checkpoints, of which the newest ones and the best are kept."""

    def __init__(self, folder: Path, keep: int = 2) -> None:
        """Name the folder, which need not exist, and how many to keep."""
        self.folder = folder
        self._keep = keep

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint and delete those beyond the number to keep.

        Returns:
            The file written.

        Raises:
            CheckpointError: If it cannot be written (disk full); what was there
                stays.
        """
        content = checkpoint.to_bytes()
        path = self.folder / f"step-{checkpoint.step:08d}-{_digest(content)}.npz"
        remove_litter(self.folder)
        with self._explaining():
            write_bytes(path, content)
        for old in self._paths("step")[self._keep :]:
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
        paths = sorted(
            [*self._paths("step"), *self._paths("best")], key=_step_of, reverse=True
        )
        self._name_foreign_files()
        for path in paths:
            checkpoint = _read(path)
            if checkpoint is not None:
                return checkpoint
        if paths:
            raise CheckpointError(
                f"every checkpoint in {self.folder} is damaged; restore one from a "
                "copy, or move the folder away to train anew"
            )
        return None

    def keep_best(self, step: int) -> None:
        """Keep the checkpoint of a step apart, in place of the best one before.

        It costs no space while it is also one of the newest: both names are links
        to one file.

        Raises:
            CheckpointError: If it cannot be written; the best one before stays.
        """
        chosen = [path for path in self._paths("step") if _step_of(path) == step]
        for source in chosen:
            if _whole(source) is not None:
                target = source.with_name(source.name.replace("step", "best", 1))
                with self._explaining():
                    link_or_copy(source, target)
                for old in self._paths("best"):
                    if old != target:
                        old.unlink(missing_ok=True)
                return

    def best(self) -> Checkpoint | None:
        """Read the checkpoint that was kept as the best; None if there is none."""
        for path in self._paths("best"):
            checkpoint = _read(path)
            if checkpoint is not None:
                return checkpoint
        return None

    def forget_best_after(self, step: int) -> None:
        """Delete a best checkpoint of a later step, whose score is not known."""
        for path in self._paths("best"):
            if _step_of(path) > step:
                logger.info("%s is of a later step than %d; removed", path, step)
                path.unlink(missing_ok=True)

    def forget_all(self) -> None:
        """Delete every checkpoint."""
        for kind in ("step", "best"):
            for path in self._paths(kind):
                path.unlink(missing_ok=True)

    def _paths(self, kind: str) -> list[Path]:
        ours = (p for p in self.folder.glob(f"{kind}-*-*.npz") if _is_ours(p))
        return sorted(ours, reverse=True)

    def _name_foreign_files(self) -> None:
        for path in sorted(self.folder.glob("*.npz")):
            if not _is_ours(path):
                logger.warning("%s is no checkpoint of ours; left alone", path)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CheckpointError(
                f"no checkpoint could be written to {self.folder} ({error.strerror}); "
                "those before it are whole; make room and give the same command again"
            ) from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]


def _step_of(path: Path) -> int:
    return int(path.stem.split("-")[1])


def _is_ours(path: Path) -> bool:
    return _NAME.fullmatch(path.name) is not None and path.is_file()


def _read(path: Path) -> Checkpoint | None:
    """Read a checkpoint, or warn that it is damaged, or holds something else."""
    content = _whole(path)
    if content is None:
        return None
    try:
        return Checkpoint.from_bytes(_step_of(path), content)
    # Its hash is right, so it was written like that: arrays of objects, or no zip.
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        logger.warning("%s is no checkpoint of ours (%s); left alone", path, error)
        return None


def _whole(path: Path) -> bytes | None:
    """Read a checkpoint, or warn that its content is not what its name says."""
    try:
        content = path.read_bytes()
    except OSError as error:
        logger.warning("%s cannot be read: %s", path, error.strerror)
        return None
    if _digest(content) == path.stem.rsplit("-", 1)[-1]:
        return content
    logger.warning("%s is damaged: its content does not match its hash", path)
    return None
