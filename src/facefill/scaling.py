"""Call a function with chunks of work: here, in local processes, or on a cluster.

Synopsis::

    map_chunks = chunk_mapper(workers=4, cluster=None, scratch=folder)
    for result in map_chunks(work, chunks):
        ...

Results come as they are ready, in any order. Chunks are small (names of files,
not pixels), and at most a few per worker are on their way at a time, so that the
length of the work does not show in memory. The chunks of a worker that dies are
done again; ``work`` must therefore be able to do a chunk twice.
"""

import itertools
import logging
import multiprocessing
import os
import shutil
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from facefill.errors import DataError

if TYPE_CHECKING:
    from distributed import Client, Future


class ChunkWork(Protocol):
    """What is done with a chunk; it is sent to other processes."""

    def __call__(self, chunk: Any) -> Any:
        """Do the work; it may be done twice."""

    def split(self, chunk: Any) -> list[Any]:
        """Cut a chunk into parts; a chunk that cannot be cut is its only part."""

    def crashed(self, chunk: Any) -> Any:
        """Give the result of a chunk that kills every process that tries it."""


logger = logging.getLogger(__name__)

ChunkMapper = Callable[[ChunkWork, Sequence[Sequence[Any]]], Generator[Any, None, None]]

# Starting processes takes as long as aligning a few hundred photos.
SMALL_JOB = 400
_CHUNKS_A_WORKER = 4
_SECONDS_TO_CONNECT = 10
_SECONDS_WITHOUT_WORKERS = 60.0


def num_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunk_mapper(
    workers: int | None, cluster: str | None, scratch: Path
) -> ChunkMapper:
    """Make a function that maps chunks; its processes live as long as the mapping.

    Args:
        workers: Processes on this machine; ``None`` is one a core. Few items are
            done in this process nevertheless, at once.
        cluster: Address of a Dask scheduler, used instead of local processes; its
            workers need this package and the same folders.
        scratch: Folder that local processes may use; deleted afterwards.

    Returns:
        ``map_chunks(work, chunks)``, a generator of results in any order. A chunk
        whose worker dies is split, and a part that kills a process of its own has
        the result of ``work.crashed``. It raises ``DataError`` if no scheduler answers
        at ``cluster``, or it has no workers.
    """
    num_workers = workers or num_cores()

    def map_chunks(
        work: ChunkWork, chunks: Sequence[Sequence[Any]]
    ) -> Generator[Any, None, None]:
        # A killed run may have left it.
        shutil.rmtree(scratch, ignore_errors=True)
        is_small = num_workers == 1 or sum(map(len, chunks)) <= SMALL_JOB
        if not chunks or (cluster is None and is_small):
            yield from map(work, chunks)
            return
        connection = (
            _cluster_client(cluster) if cluster else _local_client(num_workers, scratch)
        )
        with connection as client:
            yield from _map_on(client, work, chunks)

    return map_chunks


@contextmanager
def _cluster_client(address: str) -> Iterator["Client"]:
    from distributed import Client

    try:
        client = Client(address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise DataError(
            f"no Dask scheduler answers at {address}; start one there, or leave "
            "align.cluster empty"
        ) from error
    with client:
        if not client.nthreads():
            raise DataError(f"the Dask cluster at {address} has no workers")
        yield client


@contextmanager
def _local_client(num_workers: int, scratch: Path) -> Iterator["Client"]:
    import dask
    from distributed import Client, LocalCluster

    settings = {
        # Few chunks wait at a worker, since all of them are blamed when it dies;
        # and none is tried again here, where it might kill a worker that is only
        # starting, which Dask does not replace.
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.scheduler.allowed-failures": 0,
        # What concerns the user comes back as a result.
        "distributed.nanny.pre-spawn-environ.DASK_LOGGING__DISTRIBUTED": "critical",
    }
    with (
        _as_before(scratch),
        dask.config.set(settings),
        LocalCluster(
            n_workers=num_workers,
            threads_per_worker=1,
            # Any free port, and nobody else's business on a shared machine:
            # whoever can talk to a worker can run code in it.
            dashboard_address="127.0.0.1:0",
            security=True,
            memory_limit=0,
            local_directory=str(scratch),
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _as_before(scratch: Path) -> Iterator[None]:
    """Undo what Dask does to its surroundings, and keep it quiet meanwhile.

    It sets variables such as ``OMP_NUM_THREADS=1`` in this process for the sake of
    its children, which would slow the training that follows.
    """
    environment = dict(os.environ)
    loggers = [logging.getLogger(f"distributed{part}") for part in ("", ".client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        os.environ.clear()
        os.environ.update(environment)
        shutil.rmtree(scratch, ignore_errors=True)


def _map_on(client: "Client", work: ChunkWork, chunks: Sequence[Any]) -> Iterator[Any]:
    from distributed import KilledWorker

    pending = iter(chunks)
    running: dict[Future[Any], Any] = {}
    suspects = []

    def submit(num_chunks: int) -> None:
        for chunk in itertools.islice(pending, num_chunks):
            future = client.submit(work, chunk, key=f"chunk-{uuid.uuid4().hex}")
            running[future] = chunk

    submit(_CHUNKS_A_WORKER * max(len(client.nthreads()), 1))
    while running:
        done = _wait_for_any(client, list(running))
        if not done:
            logger.warning("no worker is left; what remains is done by one process")
            suspects += [*running.values(), *pending]
            break
        for future in done:
            chunk = running.pop(future)
            try:
                yield future.result()
            except KilledWorker:
                suspects.append(chunk)
            submit(1)
    yield from _map_alone(
        work, [part for chunk in suspects for part in work.split(chunk)]
    )


def _wait_for_any(client: "Client", futures: list["Future[Any]"]) -> set["Future[Any]"]:
    """Wait until a future is done; give none if there is nobody to do any.

    Dask replaces a worker that dies, but not one that dies while it is starting.
    """
    from distributed import wait

    without_workers_since = time.monotonic()
    while time.monotonic() - without_workers_since < _SECONDS_WITHOUT_WORKERS:
        if client.nthreads():
            without_workers_since = time.monotonic()
        with suppress(TimeoutError):
            return set(wait(futures, 1.0, "FIRST_COMPLETED").done)
    return set()


def _map_alone(work: ChunkWork, parts: list[Any]) -> Iterator[Any]:
    """Do parts that were there when a worker died, each with nothing else to blame.

    A process of our own is used until it dies too: then the part that it had did it.
    """
    remaining = iter(parts)
    while batch := list(itertools.islice(remaining, 1)):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            for part in itertools.chain(batch, remaining):
                try:
                    yield pool.submit(work, part).result()
                except BrokenProcessPool:
                    yield work.crashed(part)
                    break
