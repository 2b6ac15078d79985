"""Threads of linear algebra.

NumPy and SciPy bring a pool of threads each, which wait for work by turning in circles.
Systems of a few hundred unknowns, of which a completion solves dozens, are solved
faster by one thread, and many times as fast beside other work.
"""

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def one_algebra_thread() -> AbstractContextManager[Any]:
    """Let linear algebra use one thread, and as many as before afterwards.

    The number is that of the whole process, so that only its main thread changes it: of
    two threads, the one that leaves last would restore what the other had set.
    """
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1, user_api="blas")
    return limits
