"""MLflow tracking: a background writer for metrics and pictures, and ends of runs.

Synopsis, in a node::

    with Tracker() as tracker:
        train(faces, trainer, store, reporter=tracker)

Tracking never stops or slows the work that it records: what fails is warned of
once and left out. The run itself is started and ended by kedro-mlflow.

MLflow's own asynchronous logging (``log_metrics(synchronous=False)``) was tried in
place of the thread, with MLflow 3.17. It cannot bound its wait: it ends with joins
without a timeout, and a store that hangs keeps the whole process from ending. Unless a
variable of the environment makes it buffer, it writes one transaction a point, ten at
a time and in any order: 1,000 steps took 20 s to flush, and pictures are not buffered
at all. What fails is logged as an error every time.
"""

import logging
import math
import queue
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from facefill.runtime import tracking_server
from facefill.runtime.batching import groups
from facefill.runtime.tracking_guard import GUARD, leave_end_out, reason
from facefill.runtime.tracking_outbox import (
    MAX_METRICS_PER_CALL,
    File,
    Message,
    Picture,
    Points,
)

if TYPE_CHECKING:
    import numpy as np

CLOSE_TIMEOUT_S = 10.0
"""How long the end of a stage waits for a store that writes nothing of what it got."""

PROCESS_TAG = "facefill.process"

log = logging.getLogger(__name__)


class Tracker:
    """Writes metrics and pictures to the active run, in a thread of its own.

    A metric takes tens of milliseconds to store, a training step may take less:
    calls only queue, and what has queued up is written in one piece. Without an
    active run every call does nothing.
    """

    def __init__(self) -> None:
        """Bind to the run that is active in this thread."""
        self._run_id = active_run_id()
        self._queue: queue.SimpleQueue[list[Any] | Message | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._failed = False
        self._num_done = 0

    def __enter__(self) -> Self:
        """Return the tracker."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is queued."""
        self.close()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to the curve of each metric; NaN and infinity are left out."""
        if self._run_id is None:
            return
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        self._put(
            [
                Metric(key, float(value), now_ms, step)
                for key, value in values.items()
                if math.isfinite(value)  # MLflow would store 0.
            ]
        )

    def metrics(self, values: Mapping[str, float]) -> None:
        """Set metrics that have no curve."""
        self.scalars(0, values)

    def picture(self, step: int, name: str, image: "np.ndarray") -> None:
        """Add a picture, uint8 (H, W, 3), to the series ``name`` at ``step``."""
        if self._run_id is None:
            return
        # A copy: the caller may draw on while this one waits.
        self._put(Picture(step, name, image.copy()))

    def file(self, path: Path, folder: str) -> None:
        """Copy a file, which has to stay as it is, to a folder of the artifacts."""
        if self._run_id is None:
            return
        self._put(File(path, folder))

    def close(self) -> None:
        """Write what is queued; may be repeated.

        It takes as long as something is written every ``CLOSE_TIMEOUT_S``.
        """
        if self._thread is None:
            return
        self._queue.put(None)
        num_done = -1
        while self._thread.is_alive() and num_done < self._num_done:
            num_done = self._num_done
            self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            self._warn("MLflow takes too long")
        self._thread = None

    def _put(self, task: list[Any] | Message) -> None:
        if self._thread is None:
            # A daemon: a store that hangs must not keep the process alive.
            self._thread = threading.Thread(
                target=self._write_until_closed, name="tracker", daemon=True
            )
            self._thread.start()
        self._queue.put(task)

    def _write_until_closed(self) -> None:
        while True:
            tasks = [self._queue.get()]
            while not self._queue.empty():
                tasks.append(self._queue.get())
            metrics = [
                metric for task in tasks if isinstance(task, list) for metric in task
            ]
            for batch in groups(metrics, MAX_METRICS_PER_CALL):
                self._try(Points(batch))
            for task in tasks:
                if task is not None and not isinstance(task, list):
                    self._try(task)
            if None in tasks:
                return

    def _try(self, message: Message) -> None:
        import mlflow

        assert self._run_id is not None  # for mypy: nothing is queued
        try:
            if server := tracking_server.current():
                server.send(self._run_id, message)
            else:
                GUARD.call(message.send, mlflow.MlflowClient(), self._run_id)
        except Exception as error:  # whatever fails, the work goes on
            self._warn(reason(error))
        self._num_done += 1

    def _warn(self, reason: str) -> None:
        if not self._failed:
            log.warning("Some metrics or pictures are not in MLflow: %s", reason)
        self._failed = True


def active_run_id() -> str | None:
    """Find the run of this thread, if MLflow is in use at all."""
    if "mlflow" not in sys.modules:
        return None
    import mlflow

    run = mlflow.active_run()
    return str(run.info.run_id) if run else None


def end_runs(status: str) -> None:
    """End the active runs of this thread: ``FINISHED``, ``FAILED`` or ``KILLED``."""
    while run_id := active_run_id():
        if server := tracking_server.current():
            server.end(run_id, status)
        elif not GUARD.attempt(sys.modules["mlflow"].end_run, status):
            leave_end_out()
            return


def end_dead_runs() -> None:
    """Mark runs of this machine as killed whose process is gone.

    A process that is killed outright cannot end its run, which would count as
    running for ever.
    """
    import mlflow

    own = mlflow.active_run()
    if own is None:
        return
    client = mlflow.MlflowClient()
    running = "attributes.status = 'RUNNING'"
    for run in client.search_runs([own.info.experiment_id], running):
        host, _, process = run.data.tags.get(PROCESS_TAG, "").partition(" ")
        if host == socket.gethostname() and process:
            mark = process_mark(int(process.split()[0]))
            if mark != f"{host} {process}":
                client.set_terminated(run.info.run_id, "KILLED")


def process_mark(pid: int) -> str:
    """Name a process so that another one that gets its number is not taken for it.

    Empty if there is no such process.
    """
    import psutil

    try:
        return f"{socket.gethostname()} {pid} {psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return ""


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Join nested keys with dots: ``{"train": {"flip": True}}`` is ``train.flip``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
