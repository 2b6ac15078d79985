"""Results come in their order while items are made ready, and errors in their turn."""

import threading

import pytest

from facefill.runtime.overlapping import overlapped


def test_results_come_in_the_order_of_the_items():
    assert list(overlapped(lambda number: 2 * number, range(20), 3)) == [
        2 * number for number in range(20)
    ]


def test_the_next_item_is_made_ready_while_the_function_works():
    working, ready = threading.Event(), threading.Event()

    def items():
        yield 1
        assert working.wait(30)
        ready.set()
        yield 2

    def function(number):
        working.set()
        assert ready.wait(30)
        return number

    assert list(overlapped(function, items(), 4)) == [1, 2]


def test_no_more_items_are_made_ready_than_may_wait():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    results = overlapped(lambda number: number, items(), 3)
    assert next(results) == 0
    assert made == [0, 1, 2, 3]


def test_an_error_of_the_function_comes_in_its_turn():
    results = overlapped(lambda number: 1 // (2 - number), range(5), 2)
    assert next(results) == 0
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_before_an_error_of_the_items_come_the_results_of_those_before_it():
    def items():
        yield from (1, 2)
        raise KeyError("three")

    results = overlapped(lambda number: number, items(), 4)
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(KeyError, match="three"):
        next(results)


def test_what_nobody_asks_for_any_more_is_not_begun():
    begun, go_on = [], threading.Event()

    def function(number):
        begun.append(number)
        assert number == 0 or go_on.wait(30)

    results = overlapped(function, range(10), 4)
    next(results)
    threading.Timer(0.3, go_on.set).start()
    results.close()
    assert begun in ([0], [0, 1])
