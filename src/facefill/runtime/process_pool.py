"""Process pool with a deadline an item, whose processes may crash.

Synopsis::

    with ProcessPool(work, num_workers=2, timeout_s=60.0) as pool:
        for results in pool.map(chunks):
            ...

A process reports each item as it ends, so that one that dies, or is silent for too
long, is known to be at the item after. It is replaced, and the rest of its chunk is
done by another. C code cannot be interrupted, neither by an exception nor by a
signal that Python handles: what outlasts its time is killed with its process.

An item is blamed for the death of its process at the third time only, since
processes also die of what others do to them, such as the kernel's lack of memory.

What an item raises that nobody has foreseen is the fate of that item alone: it has
failed, and the traceback is logged. What its user can cure, and what the machine lacks
(``FacefillError``, ``OSError``), would meet every item, and ends the work.

``pebble.ProcessPool``, the library that comes nearest, has timeouts and survives
crashes, too, but a crash or a timeout loses the whole chunk without a word on which
item it was (its issue 132); chunks of one item are slow. Here the item is known.
"""

import faulthandler
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
import weakref
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Protocol, Self

from facefill.errors import FacefillError

logger = logging.getLogger(__name__)

TRIES = 3
SECONDS_TO_START = 300.0
_STARTS = 10
_SECONDS_OF_IDLENESS = 60.0
_READY, _DONE, _ERROR = "ready", "done", "error"


class Work(Protocol):
    """Work on items, sent to other processes."""

    def start(self) -> None:
        """Get a process ready, before its first item and out of its time."""

    def __call__(self, item: Any) -> Any:
        """Do an item; it may be done twice, or left half done before."""

    def failed(self, item: Any, reason: str) -> Any:
        """Make the result of an item that ``failed``, ``crashed``, or ``timeout``."""


@dataclass
class _Task:
    """A chunk under way: the item after the results is the one being done."""

    items: Sequence[Any]
    results: list[Any] = field(default_factory=list)
    num_deaths: int = 0


class ProcessPool:
    """Processes that share chunks of items; started as they are needed."""

    def __init__(self, work: Work, num_workers: int, timeout_s: float) -> None:
        """Describe the pool; no process is started yet.

        Args:
            work: What to do; pickled, so of a module that can be imported.
            num_workers: Processes at most.
            timeout_s: Seconds that an item may take before its process is killed.
        """
        self._work = work
        self._num_workers = num_workers
        self._timeout_s = timeout_s
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        # For a pool whose thread has ended, or whose generator was left in the cycle
        # of an exception. ``__del__`` would come after the finalizers of connections,
        # whose descriptors may be somebody else's by then.
        weakref.finalize(self, _kill, self._workers)

    def __enter__(self) -> Self:
        """Return the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill every process."""
        self.close()

    def close(self) -> None:
        """Kill every process; the pool can be used again."""
        _kill(self._workers)

    def map(self, chunks: Iterable[Sequence[Any]]) -> Generator[list[Any], None, None]:
        """Do every item of every chunk.

        Args:
            chunks: Taken one at a time, as there is a process for it.

        Yields:
            The results of a chunk, in the order of its items; chunks in any order.

        Raises:
            FacefillError: What the work raises, in whatever process; and OSError.
            Exception: What the start of the work raises.
            RuntimeError: If processes die again and again before they are ready.
        """
        fresh = (_Task(chunk) for chunk in chunks if chunk)
        again: deque[_Task] = deque()
        try:
            while busy := self._hand_out(again, fresh):
                for worker, task, has_said in _wait_for(busy):
                    is_alive = self._attend(worker, task, has_said)
                    if len(task.results) == len(task.items):
                        worker.task = None
                        # Before whoever takes the results keeps it waiting.
                        self._hand_out(again, fresh)
                        yield task.results
                    elif not is_alive:
                        again.append(task)
        finally:
            if any(worker.task for worker in self._workers):
                self.close()  # whoever stopped us does not want the rest

    def _hand_out(self, again: deque[_Task], fresh: Iterator[_Task]) -> list["_Worker"]:
        """Hand tasks to idle processes, and to new ones; list all that have one."""
        idle = [worker for worker in self._workers if worker.task is None]
        while idle or len(self._workers) < self._num_workers:
            task = again.popleft() if again else next(fresh, None)
            if task is None:
                break
            if not idle:
                idle.append(_Worker(self._work, self._timeout_s))
                self._workers += idle
            idle.pop().take(task)
        return [worker for worker in self._workers if worker.task]

    def _attend(self, worker: "_Worker", task: _Task, has_said: bool) -> bool:
        """Take what a worker says; false if it is dead now."""
        reason = "timeout"
        if has_said:
            if self._hear(worker, task):
                self._failed_starts = 0
                return True
            reason = "crashed"
        worker.kill()
        self._workers.remove(worker)
        if not worker.is_ready:
            self._count_failed_start(worker)
        elif reason == "crashed" and task.num_deaths + 1 < TRIES:
            task.num_deaths += 1
        else:
            task.num_deaths = 0
            item = task.items[len(task.results)]
            task.results.append(self._work.failed(item, reason))
        return False

    def _hear(self, worker: "_Worker", task: _Task) -> bool:
        """Take what a worker says; false if it says nothing any more."""
        try:
            return worker.hear()
        except (FacefillError, OSError):
            raise
        except Exception as error:
            if not worker.is_ready:
                raise
            item = task.items[len(task.results)]
            logger.error("%s failed; the others go on", item, exc_info=error)
            task.results.append(self._work.failed(item, "failed"))
            worker.deadline = time.monotonic() + self._timeout_s
            return True

    def _count_failed_start(self, worker: "_Worker") -> None:
        self._failed_starts += 1
        if self._failed_starts == _STARTS:
            raise RuntimeError(
                f"{_STARTS} processes died before they were ready, the last with "
                f"exit code {worker.exit_code}"
            )


def _kill(workers: list["_Worker"]) -> None:
    while workers:
        workers.pop().kill()


def _wait_for(busy: list["_Worker"]) -> Iterator[tuple["_Worker", _Task, bool]]:
    """Wait for workers that say something, die (both is True) or are late (False)."""
    until = min(worker.deadline for worker in busy)
    left_s = max(until - time.monotonic(), 0.0)
    said = wait([worker.connection for worker in busy], left_s)
    now = time.monotonic()
    for worker in busy:
        has_said = worker.connection in said
        if worker.task and (has_said or worker.deadline <= now):
            yield worker, worker.task, has_said


class _Worker:
    """One process, seen from here."""

    def __init__(self, work: Work, timeout_s: float) -> None:
        self.task: _Task | None = None
        self.is_ready = False
        self._timeout_s = timeout_s
        self.connection, theirs = Pipe()
        # A program of its own rather than a fork or a child of multiprocessing:
        # threads of TensorFlow do not survive the one, and the daemons that Dask
        # makes of its workers may not have the other.
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | _environment(),
            )
        self.deadline = time.monotonic() + SECONDS_TO_START
        with suppress(OSError):  # it is dead already, which the next look shows
            self.connection.send((work, timeout_s))

    @property
    def exit_code(self) -> int | None:
        """How the process ended."""
        return self._process.returncode

    def take(self, task: _Task) -> None:
        """Begin with what is left of a chunk."""
        self.task = task
        if self.is_ready:
            self.deadline = time.monotonic() + self._timeout_s
        with suppress(OSError):
            self.connection.send(task.items[len(task.results) :])

    def hear(self) -> bool:
        """Note that it is ready, or the result of an item; false if it died.

        Raises:
            Exception: What the work raised.
        """
        try:
            kind, value = self.connection.recv()
        except (EOFError, OSError):
            return False
        if kind == _ERROR:
            raise value
        self.is_ready = True
        self.deadline = time.monotonic() + self._timeout_s
        if kind == _DONE and self.task:
            self.task.results.append(value)
            self.task.num_deaths = 0
        return True

    def kill(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self.connection.close()


def _environment() -> dict[str, str]:
    """Pass our modules on, and one thread: there is a process a core."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def serve(descriptor: int) -> None:
    """Be a worker, until whoever is at the other end of the connection is gone."""
    # Ctrl-C is for the process that started us; it kills us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(descriptor) as connection, suppress(EOFError, OSError):
        work, timeout_s = connection.recv()
        if not _answers(connection, _READY, work.start):
            return
        _silence()
        # Ours may have been a thread of a cluster's worker, which works on.
        while connection.poll(_SECONDS_OF_IDLENESS):
            set_at = -timeout_s
            for item in connection.recv():
                # Whoever would kill us when we are late may be dead. Setting the
                # alarm starts a thread, so it is set anew for some items only, and
                # gives each twice its time at least.
                if (now := time.monotonic()) - set_at >= timeout_s:
                    faulthandler.dump_traceback_later(3 * timeout_s, exit=True)
                    set_at = now
                _answers(connection, _DONE, work, item)
            faulthandler.cancel_dump_traceback_later()


def _answers(
    connection: "Connection[Any, Any]", kind: str, function: Any, *arguments: Any
) -> bool:
    try:
        answer = kind, function(*arguments)
    # Whatever it is, it is the caller's.
    except Exception as error:
        error.add_note(traceback.format_exc())
        answer = _ERROR, error
    try:
        connection.send(answer)
    except OSError:
        raise
    except Exception as error:
        answer = _ERROR, RuntimeError(f"{answer[1]!r} cannot be sent: {error}")
        connection.send(answer)
    return answer[0] != _ERROR


def _silence() -> None:
    """Hide what C libraries write about damaged photos; the reasons are in rows."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stderr.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
