"""Calls to MLflow that cost a run neither its results nor its time.

Its file may be locked or on a full disk: what fails is warned of and left out, and what
took long to fail is not tried again for a while. The work that is tracked waits
``SECONDS_TO_WAIT`` at most, then goes on. A server is asked by ``tracking_server``.
"""

import atexit
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from facefill.errors import TrackingError
from facefill.runtime import tracking_server

SECONDS_TO_WAIT = 9
"""How long one call may wait for MLflow's file."""

PAUSE_S = 300.0
"""How long nothing is tried after a call that waited in vain."""

LONG_S = 1.0
"""A call that fails sooner costs nothing, and the next one is tried."""

log = logging.getLogger(__name__)


class TrackingGuard:
    """Lets calls to MLflow through, unless it has just been waited for in vain."""

    def __init__(self) -> None:
        """Let every call through."""
        self._closed_until = 0.0
        self._warned: set[type[BaseException]] = set()

    def reset(self) -> None:
        """Begin a run: try MLflow again, and warn again."""
        self.__init__()  # type: ignore[misc]  # the state is that of a new guard

    @property
    def is_closed(self) -> bool:
        """Whether calls are left out at present."""
        return time.monotonic() < self._closed_until

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function that uses MLflow, unless calls are left out at present.

        Raises:
            SilentServerError: If the server does not answer.
            TrackingError: If it was left out, or another process holds MLflow's file.
            Exception: What the function raised.
        """
        if server := tracking_server.current():
            server.call(function, *arguments)
            return
        if self.is_closed:
            raise TrackingError("MLflow does not answer")
        started = time.monotonic()
        try:
            _wait_for_file()
            function(*arguments)
        except Exception:
            if time.monotonic() - started >= LONG_S:
                self._closed_until = time.monotonic() + PAUSE_S
            raise

    def attempt(self, function: Callable[..., object], *arguments: object) -> bool:
        """Call a function that uses MLflow, and warn of what it raises.

        Returns:
            Whether it was called and raised nothing.
        """
        if self.is_closed:
            return False
        try:
            self.call(function, *arguments)
        except tracking_server.SilentServerError:  # which has been said
            return False
        except Exception as error:  # whatever fails, the work goes on
            level = logging.DEBUG if type(error) in self._warned else logging.WARNING
            self._warned.add(type(error))
            log.log(level, "MLflow does not have all of this run: %s", reason(error))
            return False
        return True


GUARD = TrackingGuard()
"""That of this process, which has one MLflow, too."""


def leave_end_out() -> None:
    """Keep MLflow from waiting for the end of the run again when Python ends."""
    from mlflow.tracking import fluent

    atexit.unregister(fluent._safe_end_run)


def reason(error: BaseException) -> str:
    """Say in a line why MLflow failed, without SQL and addresses of documentation."""
    text = str(error).partition("\n[SQL:")[0].partition("(Background on this")[0]
    return " ".join(text.split()) or type(error).__name__


def _wait_for_file() -> None:
    """Wait until no other process holds MLflow's SQLite file.

    MLflow itself waits for twenty seconds, and tries again.
    """
    import mlflow

    scheme, _, name = str(mlflow.get_tracking_uri()).partition(":///")
    if scheme == "sqlite":
        wait_for_file(Path(name.partition("?")[0]), SECONDS_TO_WAIT)


def wait_for_file(path: Path, seconds: float) -> None:
    """Wait until a SQLite file can be written to.

    Raises:
        TrackingError: If it cannot, with the reason: another process holds it, it is
            read-only, or gone.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, timeout=seconds, uri=True)) as store:
            store.execute("BEGIN IMMEDIATE")
            store.rollback()
    except sqlite3.Error as error:
        held = "another process holds it: " if "locked" in str(error) else ""
        raise TrackingError(f"{path} cannot be used ({held}{error})") from error
