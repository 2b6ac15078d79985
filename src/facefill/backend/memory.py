"""Memory of the process that large arrays are allocated in."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
"""Parameters of glibc's ``mallopt``, by their numbers in malloc.h."""
_NEVER, _NONE = -1, 0


def keep_freed_memory() -> None:
    """Keep what an operation frees for the next one, instead of giving it back.

    glibc gives buffers of some megabytes back to the system as soon as they are free,
    and every step of a training on a processor takes the same ones anew, page by page:
    5 to 7 % of the time of a DCGAN's (benchmarks/training.py), 11 % of a refiner's, at
    the same peak. It holds until the process ends. Nothing is changed where there is
    no glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "gnu_get_libc_version"):
        allocator.mallopt(_TRIM_THRESHOLD, _NEVER)
        allocator.mallopt(_MMAP_MAX, _NONE)
