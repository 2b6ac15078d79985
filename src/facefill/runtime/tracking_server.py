"""A tracking server, and what becomes of a run when it does not answer.

MLflow asks a server that is gone eight times, with pauses that double: four minutes a
call, and a server that hangs has two minutes each time. Here whoever has something to
tell it asks first whether it is there, and waits for no more than ``PATIENCE_S``. What
it could not be told of curves, pictures and the end of a run is kept in the project
(``tracking_outbox``) until it answers again, be it during the same run or a later one.
"""

import logging
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from facefill.errors import TrackingError
from facefill.runtime.tracking_outbox import Message, Outbox

PATIENCE_S = 8.0
"""How long a call waits for a server that has fallen silent."""

HEALTH_TIMEOUT_S = 3.0
ASK_AGAIN_S = 10.0
"""How long a server that did not answer is left alone."""

_FRESH_S = 1.0

log = logging.getLogger(__name__)


class _Current:
    server: "TrackingServer | None" = None


def use(server: "TrackingServer | None") -> None:
    """Name the server of this process, if its runs are tracked by one."""
    _Current.server = server


def current() -> "TrackingServer | None":
    """The server of this process, if its runs are tracked by one."""
    return _Current.server


class SilentServerError(TrackingError):
    """The server does not answer, which has been said."""


class TrackingServer:
    """A server of MLflow, which may be killed, frozen or unreachable.

    Args:
        address: Such as ``http://127.0.0.1:5000``.
        outbox: Keeps what it could not be told.
    """

    def __init__(self, address: str, outbox: Outbox) -> None:
        """Ask nothing yet."""
        self._address = address.rstrip("/")
        self.outbox = outbox
        self._asked_at = -ASK_AGAIN_S
        self._answered = True
        self._said = False
        # Two tries: a server that is asked has answered a moment ago.
        for name, value in (("MAX_RETRIES", "1"), ("TIMEOUT", "60")):
            os.environ.setdefault(f"MLFLOW_HTTP_REQUEST_{name}", value)

    def require(self) -> None:
        """Check that it answers, before any work.

        Raises:
            TrackingError: If it does not.
        """
        if not self.answers():
            raise TrackingError(
                f"the tracking server {self._address} does not answer; start it, or "
                "name another one in conf/local/mlflow.yml"
            )

    def answers(self) -> bool:
        """Whether it answers; asked again only after ``ASK_AGAIN_S`` if it did not."""
        age_s = time.monotonic() - self._asked_at
        if age_s > (_FRESH_S if self._answered else ASK_AGAIN_S):
            self._answered, self._asked_at = self._ask(), time.monotonic()
        return self._answered

    def tell(self, record: Callable[..., Any], *arguments: Any) -> bool:
        """Call what speaks to the server, unless it is silent.

        Args:
            record: Speaks of the active run of this thread.
            arguments: Its arguments.

        Returns:
            Whether it was called and came back. What it raises is raised here.
        """
        if not self.answers():
            self._say()
            return False
        call = _Call(record, arguments)
        # A slow server is waited for as long as it answers somebody else.
        while not call.ended.wait(PATIENCE_S - HEALTH_TIMEOUT_S):
            if not self._ask_now():
                return False
        if call.error is None:
            return True
        if not self._ask_now():  # it was killed in the middle
            return False
        raise call.error

    def call(self, record: Callable[..., Any], *arguments: Any) -> None:
        """Call what speaks to the server, as ``tell`` does.

        Raises:
            SilentServerError: If it does not answer.
            Exception: What the call raised.
        """
        if not self.tell(record, *arguments):
            raise SilentServerError(f"the tracking server {self._address} is silent")

    def send(self, run_id: str, message: Message) -> None:
        """Tell the server something of a run, or keep it until it answers.

        What was kept of the run before is sent first. What it raises is raised here.
        """
        if run_id in self.outbox.runs() and self.answers():
            self.tell(self._deliver, run_id)
        if not self.tell(self._send, run_id, message):
            self.outbox.keep(run_id, message)

    def catch_up(self) -> None:
        """Send what is kept of every run; what cannot be sent stays, and is named."""
        for run_id in self.outbox.runs():
            try:
                self.tell(self._deliver, run_id)
            except Exception as error:  # the run that is under way does not need it
                folder = self.outbox.folder / run_id
                log.warning("%s cannot be sent to MLflow: %s", folder, error)

    def end(self, run_id: str, status: str) -> None:
        """End the active run as ``FINISHED``, ``FAILED`` or ``KILLED``."""
        import mlflow
        from mlflow.tracking.fluent import _active_run_stack

        if run_id in self.outbox.runs():
            self.catch_up()
        now_ms = int(time.time() * 1000)
        try:
            ended = self.tell(mlflow.end_run, status)
        except Exception as error:  # the reason to end must not be hidden by this
            log.warning("MLflow does not know yet that the run has ended: %s", error)
            ended = False
        if not ended:
            self.outbox.keep_end(run_id, status, now_ms)
            _active_run_stack.get().clear()

    def _deliver(self, run_id: str) -> None:
        from mlflow import MlflowClient

        self.outbox.deliver(run_id, MlflowClient())

    def _send(self, run_id: str, message: Message) -> None:
        from mlflow import MlflowClient

        message.send(MlflowClient(), run_id)

    def _ask_now(self) -> bool:
        self._answered, self._asked_at = self._ask(), time.monotonic()
        if not self._answered:
            self._say()
        return self._answered

    def _ask(self) -> bool:
        try:
            page = f"{self._address}/health"
            urllib.request.urlopen(page, timeout=HEALTH_TIMEOUT_S).close()  # noqa: S310
        except urllib.error.HTTPError:
            return True  # somebody is there, who has no such page or wants a password
        except (OSError, ValueError):
            return False
        return True

    def _say(self) -> None:
        if not self._said:
            log.warning(
                "the tracking server %s does not answer; the run goes on, and its "
                "curves, pictures and end are kept in %s until it does",
                self._address,
                self.outbox.folder,
            )
        self._said = True


class _Call:
    """A call in a thread of its own, with the active run of the thread that made it."""

    def __init__(self, record: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        from mlflow.tracking.fluent import _active_run_stack

        self.ended = threading.Event()
        self.error: Exception | None = None
        runs = _active_run_stack.get()

        def work() -> None:
            _active_run_stack.set(runs)
            try:
                record(*arguments)
            except Exception as error:  # raised again where it was called
                self.error = error
            finally:
                self.ended.set()

        threading.Thread(target=work, name="tracking", daemon=True).start()
