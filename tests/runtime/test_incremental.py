"""What is recorded and still valid is not done again."""

import pytest

from facefill.runtime.incremental import IncrementalWork, is_settled
from facefill.runtime.result_cache import ResultCache
from photos import map_here

SHOWN = ("squaring", "numbers")


class Square:
    """Squares numbers, and notes which."""

    def __init__(self):
        self.done = []

    def start(self):
        pass

    def __call__(self, number):
        self.done.append(number)
        return {"key": str(number), "reason": "", "square": number**2}

    def failed(self, number, reason):
        return {"key": str(number), "reason": reason}


@pytest.fixture
def cache(tmp_path):
    return ResultCache(tmp_path / "records")


def begin(cache, numbers, is_valid=lambda row: not row["reason"]):
    return IncrementalWork(numbers, str, cache, is_valid)


def squared(cache, numbers, map_chunks=map_here, **options):
    work, square = begin(cache, numbers, **options), Square()
    work.map(square, map_chunks, 2, SHOWN)
    work.compact()
    return square.done, [work.result(number)["square"] for number in numbers]


def test_only_what_is_new_is_done_and_all_results_are_there(cache):
    assert squared(cache, [1, 2, 3]) == ([1, 2, 3], [1, 4, 9])
    assert squared(cache, [2, 5, 3]) == ([5], [4, 25, 9])


def test_results_of_items_that_are_gone_are_forgotten(cache):
    squared(cache, [1, 2, 3])
    squared(cache, [3, 2])
    assert [row["key"] for row in cache.rows()] == ["3", "2"]


def test_what_is_not_valid_any_more_is_done_again(cache):
    squared(cache, [1, 2, 3])
    done, _ = squared(cache, [1, 2, 3], is_valid=lambda row: row["square"] != 4)
    assert done == [2]


def test_chunks_that_ended_before_a_kill_are_kept(cache):
    def killed(work, chunks):
        for number, chunk in enumerate(chunks):
            if number == 2:
                raise KeyboardInterrupt
            yield [work(item) for item in chunk]

    with pytest.raises(KeyboardInterrupt):
        squared(cache, range(8), killed)
    assert begin(cache, range(8)).todo == [4, 5, 6, 7]
    assert begin(cache, range(8)).num_done == 4
    assert squared(cache, range(8))[0] == [4, 5, 6, 7]


def test_a_chunk_that_never_comes_back_is_a_defect(cache):
    def losing(work, chunks):
        yield [work(item) for item in next(chunks)]

    with pytest.raises(RuntimeError, match="4 numbers, but rows of 2"):
        squared(cache, range(4), losing)


def test_items_without_a_result_are_left_out_of_what_is_kept(cache):
    work = begin(cache, [1, 2])
    work.record([{"key": "1", "reason": ""}])
    work.compact()
    assert [row["key"] for row in cache.rows()] == ["1"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"reason": ""}, True),
        ({"reason": "no_face"}, True),
        ({"reason": "changed"}, False),
        ({"reason": "unopenable"}, False),
        ({"reason": "out_of_memory"}, False),
        ({"reason": "crashed"}, False),
        ({"reason": "failed"}, False),
        ({"reason": "timeout", "timeout_s": 5.0}, True),
        ({"reason": "timeout", "timeout_s": 4.0}, False),
    ],
)
def test_a_result_is_settled_if_it_would_be_the_same_again(row, expected):
    assert is_settled(row, timeout_s=5.0) is expected
