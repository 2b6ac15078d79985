"""Parallel map of chunks: processes of this machine, or a Dask cluster.

Synopsis::

    map_chunks = chunk_mapper(workers=4, cluster=None, timeout_s=60.0)
    for results in map_chunks(work, chunks):
        ...

Results of whole chunks come as they are ready, in any order. Items are small (names
of files, not pixels), and chunks are taken from an iterator as there is somebody to
do them, so that the length of the work does not show in memory. On this machine and
on that of each worker of a cluster, items are done by processes that are watched:
see ``process_pool``.
"""

import itertools
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from facefill.errors import DataError
from facefill.runtime.process_pool import ProcessPool, Work

if TYPE_CHECKING:
    from distributed import Client, Future

logger = logging.getLogger(__name__)

ChunkMapper = Callable[
    [Work, Iterable[Sequence[Any]]], Generator[list[Any], None, None]
]

_CHUNKS_A_WORKER = 4
_SECONDS_TO_CONNECT = 10
_SECONDS_WITHOUT_WORKERS = 60.0
_GONE = (
    "the Dask cluster went away; run the same command again, which goes on after the "
    "chunks that are done"
)


def num_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunk_mapper(
    workers: int | None, cluster: str | None, timeout_s: float
) -> ChunkMapper:
    """Make a function that maps chunks; its processes live as long as the mapping.

    Args:
        workers: Processes on this machine at most; ``None`` is one a core.
        cluster: Address of a Dask scheduler, used instead of this machine; its
            workers need this package and the same folders.
        timeout_s: Seconds that an item may take.

    Returns:
        ``map_chunks(work, chunks)``, a generator of the results of whole chunks. An
        item that kills its processes or exceeds its time has the result of
        ``work.failed``. It raises ``DataError`` if no scheduler answers at
        ``cluster``, it has no workers, or it goes away.
    """

    def map_chunks(
        work: Work, chunks: Iterable[Sequence[Any]]
    ) -> Generator[list[Any], None, None]:
        if cluster is None:
            with ProcessPool(work, workers or num_cores(), timeout_s) as pool:
                yield from pool.map(chunks)
            return
        remaining = iter(chunks)
        # No connection for no work.
        for first in itertools.islice(remaining, 1):
            with _cluster_client(cluster) as client:
                every = itertools.chain([first], remaining)
                yield from _map_on(client, work, every, timeout_s)

    return map_chunks


@contextmanager
def _cluster_client(address: str) -> Iterator["Client"]:
    from distributed import Client

    try:
        client = Client(address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise DataError(
            f"no Dask scheduler answers at {address}; start one there, or leave the "
            "parameter `cluster` empty"
        ) from error
    with client:
        if not client.nthreads():
            raise DataError(
                f"the Dask cluster at {address} has no workers; start some with "
                f"`dask worker {address}`"
            )
        yield client


@dataclass(frozen=True)
class _WatchedChunk:
    """Task of a cluster's worker: have a process of its own do the items."""

    work: Work
    timeout_s: float

    def __call__(self, chunk: Sequence[Any]) -> list[Any]:
        """Do a chunk, with a process that this thread keeps for the next."""
        if getattr(_of_this_thread, "task", None) != self:
            if pool := getattr(_of_this_thread, "pool", None):
                pool.close()
            _of_this_thread.pool = ProcessPool(self.work, 1, self.timeout_s)
            _of_this_thread.task = self
        (results,) = _of_this_thread.pool.map([chunk])
        return list(results)


_of_this_thread = threading.local()


def _map_on(
    client: "Client", work: Work, chunks: Iterator[Sequence[Any]], timeout_s: float
) -> Iterator[list[Any]]:
    from distributed import KilledWorker

    running: dict[Future[Any], Sequence[Any]] = {}
    task = _WatchedChunk(work, timeout_s)
    lost = []

    def submit(num_chunks: int) -> None:
        for chunk in itertools.islice(chunks, num_chunks):
            future = client.submit(task, chunk, key=f"chunk-{uuid.uuid4().hex}")
            running[future] = chunk

    submit(_CHUNKS_A_WORKER * max(sum(client.nthreads().values()), 1))
    while running:
        done = _wait_for_any(client, list(running))
        if not done:
            logger.warning("no worker is left; what remains is done by this machine")
            lost += [*running.values()]
            break
        for future in done:
            chunk = running.pop(future)
            try:
                yield future.result()
            except KilledWorker:
                lost.append(chunk)
            except CancelledError as error:
                raise DataError(_GONE) from error
            submit(1)
    with ProcessPool(work, 1, timeout_s) as pool:
        yield from pool.map(itertools.chain(lost, chunks))


def _wait_for_any(client: "Client", futures: list["Future[Any]"]) -> set["Future[Any]"]:
    """Wait until a future is done; return none if there is nobody to do any."""
    from distributed import wait

    without_workers_since = time.monotonic()
    try:
        while time.monotonic() - without_workers_since < _SECONDS_WITHOUT_WORKERS:
            if client.nthreads():
                without_workers_since = time.monotonic()
            with suppress(TimeoutError):
                return set(wait(futures, 1.0, "FIRST_COMPLETED").done)
    # Errors of the work are in the futures; these are of the connection.
    except (OSError, CancelledError) as error:
        raise DataError(_GONE) from error
    return set()
