"""Cutting work into batches."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut items into lists of ``size``, the last of what is left."""
    iterator = iter(items)
    while group := list(islice(iterator, size)):
        yield group


def full_batches(total: int, size: int) -> Iterator[tuple[np.ndarray, int]]:
    """Give the rows of each full batch of ``total``, and how many of them count."""
    for rows in groups(range(total), size):
        yield np.array([*rows, *[rows[0]] * (size - len(rows))]), len(rows)


def slices(total: int, size: int) -> Iterator[slice]:
    """Slices that cut ``total`` rows into pieces of ``size``, the last of the rest."""
    for begin in range(0, total, size):
        yield slice(begin, min(begin + size, total))
