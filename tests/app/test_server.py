"""The page is served to this machine alone, at a port that is free."""

import asyncio
import socket

import pytest

from facefill.app import server
from facefill.errors import BusyError


def ask(*headers, kind="http"):
    """Ask a guarded application; its messages, and whether it was reached."""
    reached, sent = [], []

    async def application(scope, receive, send):
        reached.append(scope["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    guarded = server.ThisMachineOnly(application, 7860)
    asyncio.run(guarded({"type": kind, "headers": headers}, receive, send))
    return sent, bool(reached)


@pytest.mark.parametrize("host", [b"127.0.0.1:7860", b"localhost:7860"])
@pytest.mark.parametrize("origin", [None, b"http://127.0.0.1:7860"])
def test_the_page_itself_is_answered_and_told_to_load_nothing_from_elsewhere(
    host, origin
):
    headers = [(b"host", host)] + ([(b"origin", origin)] if origin else [])

    sent, reached = ask(*headers)

    assert reached
    policy = dict(sent[0]["headers"])[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'self' ")
    assert "http" not in policy


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"evil.example:7860")],
        [(b"host", b"127.0.0.1:7861")],
        [(b"host", b"127.0.0.1")],
        [(b"host", b"127.0.0.1:7860"), (b"origin", b"http://evil.example")],
        [(b"host", b"127.0.0.1:7860"), (b"origin", b"null")],
        [(b"host", b"127.0.0.1:7860"), (b"origin", b"http://127.0.0.1:8000")],
    ],
)
def test_any_other_host_or_origin_is_refused(headers):
    sent, reached = ask(*headers)

    assert not reached
    assert sent[0]["status"] == 403


def test_a_websocket_is_refused():
    sent, reached = ask((b"host", b"127.0.0.1:7860"), kind="websocket")

    assert not reached
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_start_and_end_of_the_server_reach_the_page():
    assert ask(kind="lifespan")[1]


def test_a_port_that_is_taken_is_left_for_another_unless_it_was_asked_for(monkeypatch):
    with socket.create_server((server.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(server, "PORT", port)

        with server.listen(None) as other:
            assert other.getsockname()[0] == "127.0.0.1"
            assert other.getsockname()[1] != port
            assert server.address(other) == f"http://127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(BusyError, match=rf"port {port} .* another one with --port"):
            server.listen(port)


def test_a_free_port_is_taken_as_asked_for(monkeypatch):
    with socket.create_server((server.HOST, 0)) as free:
        port = free.getsockname()[1]
    with server.listen(port) as listener:
        assert listener.getsockname()[1] == port
    monkeypatch.setattr(server, "PORT", port)
    with server.listen(None) as listener:
        assert listener.getsockname()[1] == port
