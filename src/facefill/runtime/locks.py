"""File locks: one run at a time for each stage of the same data.

The lock is the system's (``flock``, or Windows's own), through ``filelock``: it ends
with the process that holds it, however that process ends, so that no dead run ever has
to be cleaned up after. Who holds it is said by a file beside it, for on Windows nobody
else can read the locked one.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from facefill.errors import BusyError


@contextmanager
def exclusive(folder: Path, stages: Sequence[str]) -> Iterator[None]:
    """Hold the locks of some stages; the first that another run holds ends this one.

    Args:
        folder: Where the lock files are; made if absent.
        stages: Names that can be names of files.

    Raises:
        BusyError: If another process is at one of the stages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        for stage in stages:
            held.enter_context(_lock(stage, folder))
        yield


@contextmanager
def _lock(stage: str, folder: Path) -> Iterator[None]:
    holder = folder / stage
    lock = FileLock(folder / f"{stage}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BusyError(
            f"another run ({_read(holder) or 'just started'}) is at {stage} in "
            f"{folder.parent}; wait for it, or stop it"
        ) from error
    try:
        now = time.strftime("%H:%M:%S")
        holder.write_text(f"process {os.getpid()}, since {now}", encoding="utf-8")
        yield
    finally:
        lock.release()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
