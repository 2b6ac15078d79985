"""Pages of this machine answer their own browser alone, and take no more than fits."""

import asyncio

import pytest

from facefill.runtime.loopback import LoopbackOnly, is_loopback

PORT = 5000
OURS = (b"host", b"127.0.0.1:5000")


def ask(*headers, body=(b"",), kind="http", port=PORT, host="127.0.0.1"):
    """Ask a guarded application; what was sent, and the body that it was given."""
    given, sent = [], []
    parts = [
        {"type": "http.request", "body": part, "more_body": number < len(body)}
        for number, part in enumerate(body, start=1)
    ]

    async def application(scope, receive, send):
        while True:
            message = await receive()
            given.append(message)
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"page"})

    async def receive():
        return parts.pop(0)

    async def send(message):
        sent.append(message)

    guarded = LoopbackOnly(application, port, max_bytes=10, host=host)
    asyncio.run(guarded({"type": kind, "headers": headers}, receive, send))
    return sent, given


def status(*headers, **options):
    sent, given = ask(*headers, **options)
    assert bool(given) == (sent[0]["status"] == 200)
    return sent[0]["status"]


@pytest.mark.parametrize("name", [b"127.0.0.1", b"localhost", b"[::1]"])
def test_a_page_of_this_machine_is_answered(name):
    host = name + b":5000"

    assert status((b"host", host)) == 200
    assert status((b"host", host), (b"origin", b"http://" + host)) == 200
    # Tools that are no browser name no origin; what they send may name any.
    assert status((b"host", host), (b"referer", b"http://evil.example/")) == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"")],
        [(b"host", b"evil.example")],
        [(b"host", b"evil.example:5000")],
        [(b"host", b"127.0.0.1")],
        [(b"host", b"127.0.0.1:5001")],
        [(b"host", b"127.0.0.1.evil.example:5000")],
        [(b"host", b"192.168.1.7:5000")],
        [OURS, (b"host", b"evil.example")],
        [(b"host", b"evil.example"), OURS],
        [OURS, (b"origin", b"http://evil.example")],
        [OURS, (b"origin", b"https://127.0.0.1:5000")],
        [OURS, (b"origin", b"http://127.0.0.1:8000")],
        [OURS, (b"origin", b"http://127.0.0.1")],
        [OURS, (b"origin", b"null")],
        [OURS, (b"origin", b"")],
        [OURS, (b"origin", b"http://127.0.0.1:5000"), (b"origin", b"http://evil")],
    ],
)
def test_any_other_host_or_origin_is_refused(headers):
    assert status(*headers) == 403


def test_the_usual_port_need_not_be_named():
    assert status((b"host", b"localhost"), port=80) == 200
    assert status((b"host", b"localhost"), (b"origin", b"http://localhost"), port=80)
    assert status((b"host", b"evil.example"), port=80) == 403


@pytest.mark.parametrize("host", ["127.0.0.2", "::1"])
def test_another_address_of_this_machine_is_one_of_its_names(host):
    name = f"[{host}]" if ":" in host else host
    assert status((b"host", f"{name}:5000".encode()), host=host) == 200


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("mlflow.example.org", False),
    ],
)
def test_who_listens_on_an_address_of_this_machine_hears_no_other(host, is_ours):
    assert is_loopback(host) == is_ours


def test_a_body_that_says_that_it_is_too_large_is_not_read():
    assert status(OURS, (b"content-length", b"10"), body=[b"0123456789"]) == 200
    sent, given = ask(OURS, (b"content-length", b"11"))
    assert sent[0]["status"] == 413
    assert dict(sent[0]["headers"])[b"connection"] == b"close"
    assert given == []


def test_a_body_in_chunks_is_broken_off_where_it_is_too_large():
    _, given = ask(OURS, body=[b"01234", b"56789"])
    assert b"".join(part["body"] for part in given) == b"0123456789"

    _, given = ask(OURS, body=[b"01234", b"56789", b"!"])
    assert [part["type"] for part in given] == [
        "http.request",
        "http.request",
        "http.disconnect",
    ]


def test_a_websocket_is_closed_and_the_start_of_a_server_is_let_through():
    sent, given = ask(OURS, kind="websocket")
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert not given
    _, given = ask(kind="lifespan")
    assert given
