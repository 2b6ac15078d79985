"""A server that is silent is waited for no longer than ten seconds; nothing is lost."""

import http.server
import logging
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from mlflow.entities import Metric

from facefill.errors import TrackingError
from facefill.runtime import tracking_server
from facefill.runtime.tracking_outbox import File, Outbox, Picture, Points
from facefill.runtime.tracking_server import TrackingServer

CURVE = [Metric("loss", 1.0 / step, 1_700_000_000_000 + step, step) for step in (1, 2)]
PICTURE = Picture(50, "train/samples", np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    # The server sets defaults of MLflow's requests, for this process alone.
    for name in ("MAX_RETRIES", "TIMEOUT"):
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", "1")


@contextmanager
def healthy():
    """A server that says that it is well."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def frozen():
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def absent():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


class Recorder:
    """MLflow's client, as far as messages use it."""

    def __init__(self):
        self.told = []

    def log_batch(self, run_id, metrics):
        points = [(each.key, each.value, each.timestamp, each.step) for each in metrics]
        self.told.append((run_id, points))

    def log_image(self, run_id, image, key, step, *, synchronous):
        self.told.append((run_id, key, step, image.tolist(), synchronous))

    def log_artifact(self, run_id, path, folder):
        self.told.append((run_id, path, folder))

    def set_terminated(self, run_id, status, time_ms):
        self.told.append((run_id, status, time_ms))


@pytest.mark.parametrize("state", ["frozen", "absent"])
def test_a_silent_server_is_said_once_and_soon_and_nobody_waits_again(
    state, request, tmp_path, caplog
):
    address = request.getfixturevalue(state)
    server = TrackingServer(address, Outbox(tmp_path))
    called = []
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            assert not server.tell(called.append, 1)

    assert time.monotonic() - began < tracking_server.PATIENCE_S
    assert called == []
    (record,) = caplog.records
    assert f"{address} does not answer; the run goes on" in record.getMessage()


def test_a_server_that_falls_silent_during_a_call_is_given_up(tmp_path, caplog):
    with healthy() as address:
        server = TrackingServer(address, Outbox(tmp_path))
        assert server.tell(time.sleep, 0)
    # It has answered a moment ago, so it is called, and the call hangs.
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        assert not server.tell(time.sleep, 60)

    assert time.monotonic() - began < 10
    assert len(caplog.records) == 1


def test_a_server_that_is_slow_but_answers_others_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking_server, "PATIENCE_S", 3.2)
    with healthy() as address:
        assert TrackingServer(address, Outbox(tmp_path)).tell(time.sleep, 1)


def test_what_goes_wrong_with_a_server_that_answers_is_raised(tmp_path):
    with healthy() as address, pytest.raises(ValueError, match="invalid literal"):
        TrackingServer(address, Outbox(tmp_path)).tell(int, "x")


def test_a_server_that_does_not_answer_is_an_error_before_any_work(absent, tmp_path):
    server = TrackingServer(absent, Outbox(tmp_path))

    with pytest.raises(
        TrackingError, match=r"does not answer; start it, or name another"
    ):
        server.require()


def test_what_is_kept_is_delivered_as_it_would_have_been_sent(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    file = File(tmp_path / "a.txt", "notes")
    outbox, sent, kept = Outbox(tmp_path / "outbox"), Recorder(), Recorder()
    for message in (Points(CURVE), PICTURE, file):
        message.send(sent, "a-run")
        outbox.keep("a-run", message)
    outbox.keep_end("a-run", "FINISHED", 1_700_000_000_900)

    outbox.deliver("a-run", kept)

    assert kept.told == [*sent.told, ("a-run", "FINISHED", 1_700_000_000_900)]
    assert outbox.runs() == []


def test_a_line_that_was_cut_short_loses_itself_alone(tmp_path):
    outbox, client = Outbox(tmp_path), Recorder()
    outbox.keep("a-run", Points(CURVE))
    path = tmp_path / "a-run" / "points.jsonl"
    path.write_bytes(path.read_bytes()[:-9])

    outbox.deliver("a-run", client)

    ((_, points),) = client.told
    assert [point[-1] for point in points] == [1]


def test_what_cannot_be_delivered_stays(tmp_path):
    class Refuses(Recorder):
        def log_image(self, *_, **__):
            raise OSError("full")

    outbox = Outbox(tmp_path)
    outbox.keep("a-run", PICTURE)
    with pytest.raises(OSError, match="full"):
        outbox.deliver("a-run", Refuses())

    assert outbox.runs() == ["a-run"]


def test_a_message_to_a_silent_server_is_kept(absent, tmp_path):
    outbox, client = Outbox(tmp_path), Recorder()
    TrackingServer(absent, outbox).send("a-run", PICTURE)

    outbox.deliver("a-run", client)
    assert client.told[0][:3] == ("a-run", "train/samples", 50)
