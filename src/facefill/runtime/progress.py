"""Progress reports: a bar on a terminal, a log line now and then elsewhere.

Synopsis::

    with progress(len(photos), "aligning", unit="photos") as advance:
        for photo in photos:
            ...
            advance(1)
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0


class Advance(Protocol):
    """Reports work done since the last call."""

    def __call__(self, num_done: int, note: str = "") -> None:
        """Count ``num_done`` more; ``note`` is shown beside the rate."""


@contextmanager
def progress(
    total: int, description: str, unit: str = "", done: int = 0
) -> Iterator[Advance]:
    """Show the progress of ``total`` pieces of work while the block runs.

    Args:
        total: Pieces in all.
        description: What is being done, such as ``aligning``.
        unit: What the pieces are, such as ``photos``.
        done: Pieces that were done before; they do not count in the rate.

    Yields:
        A function to call with the number of pieces done since the last call.
    """
    if total <= done:
        yield _ignore
    elif sys.stderr.isatty():
        with _bar(total, description, unit, done) as advance:
            yield advance
    else:
        yield _Lines(total, description, unit, done)


def _ignore(num_done: int, note: str = "") -> None:
    """Show nothing, for no work."""


@contextmanager
def _bar(total: int, description: str, unit: str, done: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit + " {task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    started = time.monotonic()
    # Rich draws ten times a second unless told, and takes a share of a core for it.
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=2) as bars:
        bar: TaskID = bars.add_task(
            description, total=total, completed=done, rate="", note=""
        )
        counted = 0

        def advance(num_done: int, note: str = "") -> None:
            nonlocal counted
            counted += num_done
            rate = f"{counted / max(time.monotonic() - started, 1e-9):.1f}/s"
            bars.update(bar, advance=num_done, note=note, rate=rate)

        yield advance


class _Lines:
    """Log a line at the end and every half minute before."""

    def __init__(self, total: int, description: str, unit: str, done: int) -> None:
        self._total = total
        self._description = description
        self._unit = unit
        self._before = self._done = done
        self._started = self._logged = time.monotonic()

    def __call__(self, num_done: int, note: str = "") -> None:
        self._done += num_done
        now = time.monotonic()
        finished = self._done >= self._total
        if finished or now - self._logged >= SECONDS_BETWEEN_LINES:
            self._logged = now
            logger.info("%s", self._line(now - self._started, note))

    def _line(self, elapsed_s: float, note: str) -> str:
        rate = (self._done - self._before) / max(elapsed_s, 1e-9)
        left_s = (self._total - self._done) / rate if rate else float("inf")
        parts = [
            f"{self._description} {self._done}/{self._total} {self._unit}".rstrip(),
            f"{rate:.1f}/s",
            f"{duration(left_s)} left",
            note,
        ]
        return ", ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """Write a time: ``45 s``, ``12 min``, ``3 h 05 min``; ``?`` if unknown."""
    if not 0.0 <= seconds < float("inf"):
        return "?"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
