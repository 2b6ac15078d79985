"""Inside a completion linear algebra has one thread, and afterwards those it had."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from facefill.runtime.algebra_threads import one_algebra_thread

np.ones((2, 2)) @ np.ones((2, 2))  # the library is loaded


def threads():
    return {
        pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
    }


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        yield


def test_inside_there_is_one_thread_and_afterwards_as_many_as_before():
    with one_algebra_thread():
        assert threads() == {1}
        with one_algebra_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_after_an_error_there_are_as_many_as_before():
    with pytest.raises(ValueError, match="no"), one_algebra_thread():
        raise ValueError("no")
    assert threads() == {2}


def test_another_than_the_main_thread_changes_nothing():
    seen = []

    def work():
        with one_algebra_thread():
            seen.append(threads())

    other = threading.Thread(target=work)
    other.start()
    other.join(30)
    assert seen == [{2}]
    assert threads() == {2}
