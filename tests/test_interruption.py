import signal
import threading

import pytest

from facefill.interruption import deferred_interruption


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


def test_a_signal_waits_for_the_end_of_the_block(handler):
    done = []
    with pytest.raises(Delivered), deferred_interruption() as interrupted:
        assert not interrupted()
        signal.raise_signal(signal.SIGTERM)
        assert interrupted()
        done.append("work after the signal")
    assert done
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_second_signal_is_delivered_at_once(handler):
    done = []
    with pytest.raises(Delivered), deferred_interruption():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        done.append("too late")
    assert not done


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred_interruption() as interrupted:
            signal.raise_signal(signal.SIGINT)
            assert not interrupted()
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_in_the_block_is_not_hidden_by_a_signal(handler):
    with pytest.raises(ZeroDivisionError), deferred_interruption():
        signal.raise_signal(signal.SIGTERM)
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGTERM) is handler


def test_other_threads_are_left_alone():
    seen = []

    def work():
        with deferred_interruption() as interrupted:
            seen.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
