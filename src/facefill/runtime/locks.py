"""One run at a time for each stage in a folder, and no lock that outlives its run.

The lock is the system's (``flock``): it ends with the process that holds it, however
that process ends, so that no dead run ever has to be cleaned up after.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

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
            # Not truncated on opening: it says who holds the lock.
            stream = held.enter_context((folder / stage).open("a+", encoding="utf-8"))
            _lock(stream, stage, folder)
        yield


def _lock(stream: TextIO, stage: str, folder: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.seek(0)
        raise BusyError(
            f"another run ({stream.read() or 'just started'}) is at {stage} in "
            f"{folder.parent}; wait for it, or stop it"
        ) from error
    stream.truncate(0)
    stream.write(f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}")
    stream.flush()
