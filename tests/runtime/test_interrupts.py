import signal
import threading

import pytest

from facefill.runtime.interrupts import deferred_interruption


class Delivered(BaseException):
    pass


@pytest.fixture
def handler():
    """SIGTERM raises ``Delivered``, as it would end a run."""

    def deliver(*_):
        raise Delivered

    before = signal.signal(signal.SIGTERM, deliver)
    yield deliver
    signal.signal(signal.SIGTERM, before)


def work(num_signals, done):
    with deferred_interruption() as interrupted:
        for number in range(num_signals):
            signal.raise_signal(signal.SIGTERM)
            assert interrupted()
            done.append(number)


def test_a_signal_waits_for_the_end_of_the_block(handler):
    done = []
    with pytest.raises(Delivered):
        work(1, done)
    assert done == [0]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_second_signal_is_delivered_at_once(handler):
    done = []
    with pytest.raises(Delivered):
        work(2, done)
    assert done == [0]


def test_without_a_signal_nothing_is_delivered(handler):
    work(0, [])
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred_interruption() as interrupted:
            signal.raise_signal(signal.SIGINT)
            assert not interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


def fail_after_a_signal():
    with deferred_interruption():
        signal.raise_signal(signal.SIGTERM)
        raise ZeroDivisionError


def test_an_error_in_the_block_is_not_hidden_by_a_signal(handler):
    with pytest.raises(ZeroDivisionError):
        fail_after_a_signal()
    assert signal.getsignal(signal.SIGTERM) is handler


def test_other_threads_are_left_alone():
    seen = []

    def look():
        with deferred_interruption() as interrupted:
            seen.append(interrupted())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [False]
