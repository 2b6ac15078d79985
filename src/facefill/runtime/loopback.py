"""Guard of the pages that are served to this machine: by host, by origin, by size.

A page on 127.0.0.1 is within reach of any site that the browser of this machine has
open: a site can post to it (which the browser lets happen, and only keeps the answer
from the site), and by a name of its own that points to 127.0.0.1 it can read it, too
(DNS rebinding). So a request has to name this machine as its host, and the page itself
as its origin, if it names one. What is sent may not be larger than the page has a use
for.

Synopsis::

    uvicorn.run(LoopbackOnly(application, port, max_bytes=64_000_000), port=port)
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost", "[::1]")
"""What this machine is called in the address of a page of its own."""

HTTP = 80
"""Port that an address need not name."""

_NOT_OURS = b"This page is for the browser of this machine alone.\n"
_TOO_LARGE = b"This is more than may be sent to this page.\n"


def is_loopback(host: str) -> bool:
    """Whether who listens on an address hears this machine alone."""
    return host in {"localhost", "::1"} or host.startswith("127.")


class LoopbackOnly:
    """ASGI application: another's, for requests of its own page alone."""

    def __init__(
        self, application: Application, port: int, max_bytes: int, host: str = NAMES[0]
    ) -> None:
        """Guard an application.

        Args:
            application: What is served.
            port: Where it is served.
            max_bytes: Largest body of a request.
            host: Address that is listened on.
        """
        self._application = application
        self._max_bytes = max_bytes
        names = {*NAMES, f"[{host}]" if ":" in host else host}
        hosts = [f"{name}:{port}" for name in names]
        if port == HTTP:  # browsers leave it out
            hosts += names
        self._hosts = {host.encode() for host in hosts}
        self._origins = {f"http://{host}".encode() for host in hosts}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        if scope["type"] != "http":  # no page of ours has a use for websockets
            await send({"type": "websocket.close", "code": 1008})
        elif not self._is_ours(headers):
            await _refuse(403, _NOT_OURS, send)
        elif _length(headers) > self._max_bytes:
            await _refuse(413, _TOO_LARGE, send)
        else:
            await self._application(scope, _Counted(receive, self._max_bytes), send)

    def _is_ours(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether every host and origin that a request names is this page's."""
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        return (
            len(hosts) == 1 and {*hosts} <= self._hosts and {*origins} <= self._origins
        )


class _Counted:
    """Receives a body, and breaks it off where it is too large.

    A body in chunks does not say how long it is.
    """

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._left = max_bytes

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        # As if the browser had gone: nobody is to be answered.
        return message if self._left >= 0 else {"type": "http.disconnect"}


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    """Bytes of a body that says how long it is; 0 of others.

    The server has refused what is no number, and reads no more than is said.
    """
    return max(
        (int(value) for name, value in headers if name == b"content-length"), default=0
    )


async def _refuse(status: int, body: bytes, send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # the rest of a body is not read
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
