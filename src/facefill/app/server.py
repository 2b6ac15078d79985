"""Server of the page: this machine alone, and nothing from or to any other.

The page holds photos of faces. It listens on the loopback address, and answers only
who names that address: by a name of his own that points to it, a stranger's page could
otherwise talk to it (DNS rebinding). Gradio alone answers any Host, and carries out
what the form of a stranger's page posts, since its own check of Origin only keeps the
answer from that page. What Gradio's page would load from elsewhere, the browser is
told not to load.
"""

import signal
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from facefill.errors import BusyError
from facefill.runtime.tracking_page import require_free

HOST = "127.0.0.1"
PORT = 7860
"""Where the page is, unless it is taken."""

_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "frame-ancestors 'none'; form-action 'none'; object-src 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]


def listen(port: int | None) -> socket.socket:
    """Listen on a port of this machine.

    Args:
        port: None takes ``PORT``, or another if that is taken.

    Raises:
        BusyError: If the port cannot be listened on.
    """
    if port is not None:
        require_free(HOST, port)
        return socket.create_server((HOST, port))
    for candidate in (PORT, 0):  # 0: whichever is free
        with suppress(OSError):
            return socket.create_server((HOST, candidate))
    raise BusyError(f"no port of {HOST} can be listened on")


def address(listener: socket.socket) -> str:
    """Address of the page that a listener serves."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def serve(application: _Application, listener: socket.socket) -> None:
    """Serve a page until the process is told to stop."""
    import uvicorn

    # By itself SIGTERM would end the process with the photos left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    guarded = ThisMachineOnly(application, listener.getsockname()[1])
    config = uvicorn.Config(guarded, log_level="warning", timeout_graceful_shutdown=1)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


class ThisMachineOnly:
    """ASGI application: another's, for requests of its own page alone."""

    def __init__(self, application: _Application, port: int) -> None:
        """Guard an application.

        Args:
            application: What is served.
            port: Where it is served.
        """
        self._application = application
        hosts = [f"{name}:{port}" for name in (HOST, "localhost")]
        self._hosts = {host.encode() for host in hosts}
        self._origins = {None, *(f"http://{host}".encode() for host in hosts)}

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        is_ours = (
            scope["type"] == "http"  # the page has no use for websockets
            and headers.get(b"host") in self._hosts
            and headers.get(b"origin") in self._origins
        )
        if not is_ours:
            await _refuse(scope, send)
            return

        async def send_with_policy(message: _Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self._application(scope, receive, send_with_policy)


async def _refuse(scope: _Message, send: _Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    body = b"This page is for the browser of this machine alone.\n"
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
