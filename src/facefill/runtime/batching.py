"""Batching: lists, slices and full batches of a number of rows."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

ROWS_AT_ONCE = 1024
"""Rows of pictures or features that take little memory and no time to ask for."""


def groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut items into lists of ``size``, the last of what is left."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def slices(total: int, size: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """Cut ``total`` rows into slices of ``size``, the last of what is left.

    Example:
        >>> [f"{rows.start}:{rows.stop}" for rows in slices(5, 2)]
        ['0:2', '2:4', '4:5']
    """
    for begin in range(0, total, size):
        yield slice(begin, min(begin + size, total))


def full_batches(total: int, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Cut ``total`` rows into batches of exactly ``size``, the last one filled up.

    Yields:
        The rows of a batch, and how many of them count; those after are its first.
    """
    for rows in groups(range(total), size):
        yield np.array([*rows, *[rows[0]] * (size - len(rows))]), len(rows)
