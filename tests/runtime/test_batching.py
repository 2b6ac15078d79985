"""Every row is in one batch."""

import numpy as np
import pytest

from facefill.runtime.batching import full_batches, groups, slices


@pytest.mark.parametrize(("total", "size"), [(0, 3), (1, 3), (3, 3), (7, 3), (8, 1)])
def test_each_way_to_cut_leaves_no_row_out_and_none_twice(total, size):
    rows = list(range(total))

    assert [row for group in groups(rows, size) for row in group] == rows
    assert [row for part in slices(total, size) for row in rows[part]] == rows
    assert all(len(rows[part]) <= size for part in slices(total, size))
    batches = list(full_batches(total, size))
    assert all(len(batch) == size for batch, _ in batches)
    assert [row for batch, count in batches for row in batch[:count]] == rows


def test_what_fills_the_last_batch_up_is_its_first_row():
    *_, (batch, count) = full_batches(5, 3)

    assert count == 2
    assert np.array_equal(batch, [3, 4, 3])


def test_groups_take_items_as_they_come():
    items = iter(range(5))

    assert next(groups(items, 2)) == [0, 1]
    assert next(items) == 2
