"""Running a function over many rows in batches that are always full.

The arithmetic of a convolution may round differently in a batch of another size. So
a batch that is not full is padded with its first row, and each row comes out the same
alone and among many.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from facefill.backend import graph
from facefill.runtime.batching import full_batches


def in_full_batches(
    function: Callable[[np.ndarray, int], Any],
    total: int,
    size: int,
    kinds: Sequence[Hashable] | None = None,
) -> Any:
    """Results of a function for ``total`` rows, as nested numpy arrays.

    Args:
        function: Takes the indices of a batch's rows, int64 (size,), and how many of
            them count, the others being padding. Returns nested arrays with leading
            axis size.
        total: Number of rows, at least 1.
        size: Rows of a batch.
        kinds: For each row, what all rows of its batch must share; None if any rows
            may be in one batch.

    Returns:
        What the function returns, with leading axis total.
    """
    order: list[int] = []
    pieces = []
    for alike in _alike(total, kinds):
        for positions, count in full_batches(len(alike), size):
            rows = alike[positions]
            pieces.append(_first_rows(function(rows, count), count))
            order.extend(rows[:count])
    joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *pieces)
    if kinds is None:
        return joined
    back = np.argsort(order)
    return keras.tree.map_structure(lambda array: array[back], joined)


def _alike(total: int, kinds: Sequence[Hashable] | None) -> Iterator[np.ndarray]:
    """Rows of each kind, kinds in the order in which they first occur."""
    if kinds is None:
        yield np.arange(total)
        return
    for kind in dict.fromkeys(kinds):
        yield np.array([row for row in range(total) if kinds[row] == kind])


def _first_rows(nested: Any, count: int) -> Any:
    return keras.tree.map_structure(
        lambda array: np.asarray(array)[:count], graph.to_numpy(nested)
    )
