"""Deferred signals: Ctrl-C and SIGTERM wait until the work at hand is saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred_interruption() -> Iterator[Callable[[], bool]]:
    """Hold back Ctrl-C and SIGTERM inside the block.

    Yields:
        A function that says whether one has arrived. The block should then save
        and end; on leaving it the signal is delivered as if it came just then.
        A second Ctrl-C is delivered at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # Python handles signals in the main thread alone.
        return
    arrived: list[int] = []
    # What is ignored from the outside (Ctrl-C under nohup) stays ignored.
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {
        number: handler
        for number, handler in handlers.items()
        if handler is not signal.SIG_IGN
    }

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def hold(number: int, frame: FrameType | None) -> None:
        del frame
        if arrived:
            restore()
            signal.raise_signal(number)
        arrived.append(number)

    for number in before:
        signal.signal(number, hold)
    try:
        yield lambda: bool(arrived)
    finally:
        restore()
    if arrived:
        signal.raise_signal(arrived[0])
