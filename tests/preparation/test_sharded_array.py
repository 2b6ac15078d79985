"""Several arrays as one answer as their concatenation does."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facefill.preparation.sharded_array import ShardedArray, expect_random_reads


def parts_of(lengths):
    draw = np.random.default_rng(0)
    return [draw.integers(0, 256, (length, 2, 2, 3), np.uint8) for length in lengths]


lengths = st.lists(st.integers(0, 5), min_size=1, max_size=5)


@given(lengths, st.data())
def test_rows_by_number_are_those_of_the_whole(lengths, data):
    parts = parts_of(lengths)
    whole, array = np.concatenate(parts), ShardedArray(parts)
    count = len(whole)
    number = st.integers(-count, count - 1) if count else st.just(0)
    drawn = data.draw(st.lists(number, max_size=8 if count else 0))
    rows = np.array(drawn, np.int64)
    if len(rows) % 2 == 0:
        rows = rows.reshape(2, -1)
    assert np.array_equal(array[rows], whole[rows])


@given(lengths, st.data())
def test_slices_are_those_of_the_whole_and_copy_nothing(lengths, data):
    parts = parts_of(lengths)
    whole, array = np.concatenate(parts), ShardedArray(parts)
    rows = data.draw(st.slices(len(whole)).filter(lambda rows: rows.step in (1, None)))
    sliced = array[rows]
    assert sliced.shape == whole[rows].shape
    assert np.array_equal(np.asarray(sliced), whole[rows])
    if isinstance(sliced, np.ndarray) and len(sliced):
        assert any(np.shares_memory(sliced, part) for part in parts)


def test_shape_type_and_length_are_those_of_the_whole():
    array = ShardedArray(parts_of([2, 0, 3]))
    assert array.shape == (5, 2, 2, 3)
    assert array.dtype == np.uint8
    assert len(array) == 5
    assert array[3].shape == (2, 2, 3)


@pytest.mark.parametrize("row", [5, -6, np.array([0, 5])])
def test_a_row_that_is_not_there_is_an_error(row):
    with pytest.raises(IndexError, match="not a row of 5"):
        ShardedArray(parts_of([2, 3]))[row]


def test_arrays_of_different_rows_are_no_array():
    with pytest.raises(ValueError, match="rows of one shape"):
        ShardedArray([np.zeros((1, 2, 2, 3), np.uint8), np.zeros((1, 4, 4, 3), "u1")])
    with pytest.raises(ValueError, match="one array at least"):
        ShardedArray([])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_random_reads_are_told_to_the_system_for_every_file(tmp_path):
    for number, part in enumerate(parts_of([300, 300])):
        np.save(tmp_path / f"{number}.npy", part)
    maps = [np.load(tmp_path / f"{number}.npy", mmap_mode="r") for number in range(2)]
    expect_random_reads(ShardedArray(maps)[10:590])
    smaps = Path("/proc/self/smaps").read_text().split("VmFlags:")
    flags = [
        after.split("\n", 1)[0].split()
        for before, after in itertools.pairwise(smaps)
        if str(tmp_path) in before
    ]
    assert len(flags) == 2
    assert all("rr" in each for each in flags)  # as if read at random: man proc


def test_arrays_in_memory_need_no_advice():
    array = np.zeros((3, 2, 2, 3), np.uint8)
    expect_random_reads(ShardedArray([array, array[1:]]))
