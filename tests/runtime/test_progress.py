"""Progress is a line now and then, with what is done, the rate and the time left."""

import logging

import pytest

from facefill.runtime import progress as module
from facefill.runtime.progress import duration, progress


@pytest.fixture
def clock(monkeypatch):
    """Stand in for the time: seconds that a test sets."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_line_appears_each_half_minute_and_at_the_end(caplog, clock):
    caplog.set_level(logging.INFO)
    with progress(100, "aligning", unit="photos") as advance:
        for _ in range(10):
            clock[0] += 10.0
            advance(10, note="D 0.6")
    assert caplog.messages == [
        "aligning 30/100 photos, 1.0/s, 1 min left, D 0.6",
        "aligning 60/100 photos, 1.0/s, 40 s left, D 0.6",
        "aligning 90/100 photos, 1.0/s, 10 s left, D 0.6",
        "aligning 100/100 photos, 1.0/s, 0 s left, D 0.6",
    ]


def test_what_was_done_before_does_not_count_in_the_rate(caplog, clock):
    caplog.set_level(logging.INFO)
    with progress(1000, "training", done=900) as advance:
        clock[0] += 50.0
        advance(100)
    assert caplog.messages == ["training 1000/1000, 2.0/s, 0 s left"]


def test_no_work_says_nothing(caplog):
    caplog.set_level(logging.INFO)
    with progress(5, "aligning", done=5) as advance:
        advance(0)
    assert not caplog.messages


def test_a_terminal_gets_a_bar_with_rate_and_note(monkeypatch, capsys):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True)
    with progress(10, "aligning", unit="photos") as advance:
        advance(10, note="D 0.6")
    shown = capsys.readouterr().err
    assert "aligning" in shown
    assert "10/10" in shown
    assert "D 0.6" in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.0, "59 s"),
        (61.0, "1 min"),
        (3599.0, "1 h 00 min"),
        (11100.0, "3 h 05 min"),
        (float("inf"), "?"),
        (float("nan"), "?"),
    ],
)
def test_times_are_written_for_people(seconds, text):
    assert duration(seconds) == text
