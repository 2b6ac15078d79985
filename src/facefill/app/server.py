"""Server of the page: this machine alone, and nothing from or to any other.

The page holds photos of faces. It listens on the loopback address, and answers only
its own page (``runtime/loopback.py``). Gradio alone answers any Host, carries out what
the form of a stranger's page posts, since its own check of Origin only keeps the answer
from that page, and limits the size of files, but of no other request. What Gradio's
page would load from elsewhere, the browser is told not to load.
"""

import signal
import socket
import sys
from contextlib import suppress

from facefill.errors import BusyError
from facefill.runtime import listening
from facefill.runtime.loopback import Application, LoopbackOnly, Message, Receive, Send

HOST = "127.0.0.1"
PORT = 7860
"""Where the page is, unless it is taken."""

MAX_REQUEST = 64_000_000
"""Bytes of a request: of a photo as large as the page takes, and what is around it."""

_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "frame-ancestors 'none'; form-action 'none'; object-src 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


def listen(port: int | None) -> socket.socket:
    """Listen on a port of this machine.

    Args:
        port: None takes ``PORT``, or another if that is taken.

    Raises:
        BusyError: If the port cannot be listened on.
    """
    if port is not None:
        return listening.listen(HOST, port)
    try:
        return listening.listen(HOST, PORT)
    except BusyError:
        return listening.listen(HOST, 0)


def address(listener: socket.socket) -> str:
    """Address of the page that a listener serves."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def serve(application: Application, listener: socket.socket) -> None:
    """Serve a page until the process is told to stop."""
    import uvicorn

    # By itself SIGTERM would end the process with the photos left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    guarded = ThisMachineOnly(application, listener.getsockname()[1])
    config = uvicorn.Config(guarded, log_level="warning", timeout_graceful_shutdown=1)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


class ThisMachineOnly(LoopbackOnly):
    """ASGI application: another's, for its own page, which loads nothing from afar."""

    def __init__(self, application: Application, port: int) -> None:
        """Guard an application.

        Args:
            application: What is served.
            port: Where it is served.
        """

        async def with_policy(scope: Message, receive: Receive, send: Send) -> None:
            async def send_with_policy(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message.get("headers", []), *_HEADERS]
                await send(message)

            await application(scope, receive, send_with_policy)

        super().__init__(with_policy, port, MAX_REQUEST)
