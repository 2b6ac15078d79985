"""Sharded array: memory-mapped arrays of several files, indexed as one."""

import itertools
import mmap
from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.integer]


class ShardedArray:
    """Arrays of equal rows, one after the other, as one array of pixels.

    It knows what training and evaluation ask of an array: its length and shape,
    a row, rows by number, and slices, which copy nothing. ``numpy.asarray`` reads
    the whole.

    Example:
        >>> parts = [np.zeros((2, 4, 4, 3), np.uint8), np.ones((3, 4, 4, 3), np.uint8)]
        >>> array = ShardedArray(parts)
        >>> len(array), array.shape, array[np.array([4, 0])].max(axis=(1, 2, 3))
        (5, (5, 4, 4, 3), array([1, 0], dtype=uint8))
        >>> len(array[1:3])
        2
    """

    def __init__(self, parts: Sequence[NDArray[np.uint8]]) -> None:
        """Take the arrays, in order; memory maps stay what they are.

        Raises:
            ValueError: If there is none, or their rows differ in shape.
        """
        if len({part.shape[1:] for part in parts}) != 1:
            raise ValueError("one array at least is needed, and rows of one shape")
        self._parts = tuple(parts)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows of all parts together, then the shape of a row."""
        return (len(self), *self._parts[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """That of every part."""
        return self._parts[0].dtype

    def __len__(self) -> int:
        """Count the rows."""
        return int(self._starts[-1])

    @overload
    def __getitem__(self, rows: slice) -> "ImageArray": ...

    @overload
    def __getitem__(self, rows: int | Rows) -> NDArray[np.uint8]: ...

    def __getitem__(self, rows: int | slice | Rows) -> "ImageArray":
        """Index one row, a view of neighbouring rows, or a copy of the rows named.

        Args:
            rows: A number, a slice of step one, or numbers of any shape, from
                ``-len`` to ``len - 1``.

        Returns:
            Pixels; for a slice what it holds of each part, or that part's own
            slice where it holds one part only.
        """
        if isinstance(rows, slice):
            return self._slice(rows)
        chosen = np.asarray(rows)
        if chosen.size and not (
            -len(self) <= chosen.min() and chosen.max() < len(self)
        ):
            raise IndexError(f"{rows} is not a row of {len(self)}")
        return self._gather(np.where(chosen < 0, chosen + len(self), chosen))

    @property
    def parts(self) -> tuple[NDArray[np.uint8], ...]:
        """The arrays, in order."""
        return self._parts

    def __array__(
        self, dtype: np.dtype[np.uint8] | None = None, copy: bool | None = None
    ) -> NDArray[np.uint8]:
        """Read everything."""
        if copy is False:
            raise ValueError("the parts lie in several places; they must be copied")
        return np.asarray(np.concatenate(self._parts), dtype)

    def _slice(self, rows: slice) -> "ImageArray":
        begin, end, step = rows.indices(len(self))
        if step != 1:
            raise ValueError("only neighbouring rows can be sliced")
        held = [
            part[max(begin - start, 0) : max(end - start, 0)]
            for start, part in zip(self._starts, self._parts, strict=False)
        ]
        parts = [part for part in held if len(part)] or held[:1]
        return parts[0] if len(parts) == 1 else ShardedArray(parts)

    def _gather(self, rows: Rows) -> NDArray[np.uint8]:
        flat = rows.ravel()
        pixels = np.empty((len(flat), *self.shape[1:]), self.dtype)
        homes = np.searchsorted(self._starts, flat, side="right") - 1
        # Sorted rows, as training asks for them, are one run in each part.
        ends = [*np.flatnonzero(np.diff(homes)) + 1, len(flat)]
        for begin, end in itertools.pairwise([0, *ends] if len(flat) else []):
            home = homes[begin]
            local = flat[begin:end] - self._starts[home]
            # "clip" writes into pixels at once; the rows were checked already.
            self._parts[home].take(local, 0, pixels[begin:end], "clip")
        return pixels.reshape(*rows.shape, *self.shape[1:])


ImageArray = NDArray[np.uint8] | ShardedArray
"""uint8 RGB of shape (num_images, height, width, 3), in memory or mapped."""


def expect_random_reads(images: ShardedArray) -> None:
    """Tell the system that rows will be read in no order.

    It reads ahead otherwise, eight faces for each that is asked for. From a set
    larger than memory, which is where it matters, that made reading a hundred
    times slower.
    """
    for part in images.parts:
        owner: object = part
        while isinstance(owner, np.ndarray):
            owner = owner.base
        if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):
            owner.madvise(mmap.MADV_RANDOM)
