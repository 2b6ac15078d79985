"""Calls to MLflow that fail are left out, and none is waited for twice."""

import logging
import sqlite3
import sys
import time
from contextlib import closing

import pytest

from facefill.errors import TrackingError
from facefill.runtime import tracking_guard
from facefill.runtime.tracking_guard import TrackingGuard, reason, wait_for_file


@pytest.fixture
def guard(monkeypatch):
    """A guard of an MLflow whose server is asked for nothing here."""
    module = type(sys)("mlflow")
    module.get_tracking_uri = lambda: "http://127.0.0.1:9"
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setattr(tracking_guard, "LONG_S", 0.05)
    return TrackingGuard()


def fail(seconds, error=ConnectionError):
    def call(*_):
        time.sleep(seconds)
        raise error("no answer")

    return call


def test_what_works_is_called_with_its_arguments(guard):
    calls = []
    assert guard.attempt(lambda *arguments: calls.append(arguments), 1, "two")
    assert calls == [(1, "two")]


def test_a_call_that_fails_at_once_leaves_the_next_one_alone(guard):
    assert not guard.attempt(fail(0.0))
    assert not guard.is_closed
    assert guard.attempt(lambda: None)


def test_a_call_that_was_waited_for_in_vain_is_the_last_for_a_while(guard, monkeypatch):
    monkeypatch.setattr(tracking_guard, "PAUSE_S", 0.2)
    calls = []
    assert not guard.attempt(fail(0.1))
    assert guard.is_closed
    assert not guard.attempt(calls.append, 1)
    with pytest.raises(TrackingError, match="does not answer"):
        guard.call(calls.append, 2)
    assert calls == []
    time.sleep(0.25)
    assert guard.attempt(calls.append, 3)
    assert calls == [3]


def test_a_new_run_tries_again(guard):
    guard.attempt(fail(0.1))
    guard.reset()
    assert not guard.is_closed


def test_each_kind_of_failure_is_warned_of_once(guard, caplog):
    with caplog.at_level(logging.WARNING):
        for error in (ConnectionError, ConnectionError, ValueError):
            guard.attempt(fail(0.0, error))
    assert [record.getMessage() for record in caplog.records] == [
        "MLflow does not have all of this run: no answer"
    ] * 2


def test_what_an_error_is_of_is_one_line_without_sql():
    text = "(sqlite3.OperationalError) database or disk\nis full\n[SQL: INSERT ...]\nx"
    assert reason(ValueError(text)) == (
        "(sqlite3.OperationalError) database or disk is full"
    )
    assert reason(ValueError()) == "ValueError"


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_file_that_is_held_is_not_waited_for_longer_than_told(tmp_path, how):
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE runs (x)")
        wait_for_file(path, 0.1)
        other.execute(f"BEGIN {how}")
        started = time.monotonic()
        with pytest.raises(TrackingError, match="another process holds it"):
            wait_for_file(path, 0.1)
        assert time.monotonic() - started < 3


def test_a_file_that_is_gone_is_not_made(tmp_path):
    with pytest.raises(TrackingError, match="cannot be used"):
        wait_for_file(tmp_path / "mlflow.db", 0.1)
    assert list(tmp_path.iterdir()) == []
