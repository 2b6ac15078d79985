"""Work for crews of processes: squares of numbers, some of which are fatal."""

import ctypes
import hashlib
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from facefill.errors import DataError


def hang_in_c():
    """Compute for hours where neither Python's signals nor exceptions reach."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


def hang_with_the_lock():
    """Do the same without letting other threads of Python run."""
    # A power of this size is computed by one call that never lets go.
    return 3 ** (10**9)


def knows(module):
    """Say whether this process has imported a module."""
    return module in sys.modules


DEATHS = {
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exits": lambda: os._exit(3),
    "segmentation fault": lambda: ctypes.string_at(0),
    "leaves Python": sys.exit,
}
HANGS = {"in C": hang_in_c, "with the lock": hang_with_the_lock}


@dataclass(frozen=True)
class Square:
    """Squares numbers, saying in which process; does as told for some of them."""

    acts: dict[int, str] = field(default_factory=dict)
    at_start: str = ""
    notes: Path | None = None

    def start(self):
        if self.at_start:
            self._act(self.at_start)

    def __call__(self, number):
        if self.notes:
            with self.notes.open("a") as stream:
                stream.write(f"{number} {os.getpid()}\n")
        result = number, number**2, os.getpid()
        return self._act(self.acts[number]) if number in self.acts else result

    def failed(self, number, reason):
        return number, reason, 0

    def _act(self, name):
        acts = DEATHS | HANGS | {"slow": lambda: time.sleep(0.3)}
        if name in acts:
            acts[name]()
        if name == "raises":
            raise DataError("4 is faulty")
        if name == "defect":
            raise ZeroDivisionError("a defect")
        if name == "disk full":
            raise OSError(28, "No space left on device")
        if name == "cannot be sent":
            return lambda: None
        parent = psutil.Process().parent()
        if name == "kills the cluster's worker" and "dask" in str(parent.cmdline()):
            parent.kill()
        if name == "dies twice" and len(self.notes.read_text().splitlines()) < 3:
            os._exit(1)
        return 0, 0, os.getpid()
