"""Incremental processing: only items without a valid recorded result are done.

Synopsis::

    work = IncrementalWork(items, key, cache, is_valid)
    work.map(align, map_chunks, chunk_size=64, shown=("aligning", "photos"))
    work.compact()

Results are recorded as their chunk ends, so that a killed run loses the chunks in
flight and no more. The key of an item names all that its result depends on; whether
files that the result speaks of are still there is for ``is_valid`` to say.
"""

from collections.abc import Callable, Collection
from contextlib import closing
from typing import Generic, TypeVar

from facefill.runtime.batching import slices
from facefill.runtime.parallel import ChunkMapper
from facefill.runtime.process_pool import Work
from facefill.runtime.progress import progress
from facefill.runtime.result_cache import ResultCache, Row

Item = TypeVar("Item")

TRANSIENT = ("changed", "unopenable", "out_of_memory", "crashed", "failed")
"""Reasons that say nothing about an item's content: it may be otherwise next time."""


def is_settled(row: Row, timeout_s: float) -> bool:
    """Whether doing an item again would give the same result.

    Args:
        row: Its result, with ``reason``; with ``timeout_s`` if that is ``timeout``.
        timeout_s: Seconds that it may take now.
    """
    if row["reason"] == "timeout":
        return bool(row["timeout_s"] >= timeout_s)
    return row["reason"] not in TRANSIENT


class IncrementalWork(Generic[Item]):
    """Items, the cache of their results, and those items that are still to be done.

    Attributes:
        todo: Items without a valid result, in order.
        num_done: The others.
    """

    def __init__(
        self,
        items: Collection[Item],
        key: Callable[[Item], str],
        cache: ResultCache,
        is_valid: Callable[[Row], bool],
    ) -> None:
        """Load the cache and find what is still to be done.

        Args:
            items: All items, each with another key.
            key: Names all that the result of an item depends on.
            cache: Results of earlier runs.
            is_valid: Whether a recorded result can still be trusted.
        """
        self._items = items
        self._key = key
        self._cache = cache
        cache.load()
        self.todo: list[Item] = []
        for item in items:
            row = self.result(item)
            if row is None or not is_valid(row):
                self.todo.append(item)
        self.num_done = len(items) - len(self.todo)

    def result(self, item: Item) -> Row | None:
        """Read the recorded result of an item, valid or not."""
        return self._cache.get(self._key(item))

    def map(
        self,
        work: Work,
        map_chunks: ChunkMapper,
        chunk_size: int,
        shown: tuple[str, str],
    ) -> None:
        """Do what is to be done in chunks, and record each chunk as it ends.

        Args:
            work: Turns an item into its row.
            map_chunks: Calls it with each item of each chunk, anywhere, chunks in
                any order.
            chunk_size: Items in a chunk.
            shown: What the progress bar says: what is being done, to what.

        Raises:
            RuntimeError: If a chunk never comes back.
        """
        description, unit = shown
        chunks = (self.todo[rows] for rows in slices(len(self.todo), chunk_size))
        results, num_rows = map_chunks(work, chunks), 0
        with (
            closing(results),
            progress(len(self._items), description, unit, self.num_done) as advance,
        ):
            for rows in results:
                self.record(rows)
                num_rows += len(rows)
                advance(len(rows))
        if num_rows != len(self.todo):
            raise RuntimeError(f"{len(self.todo)} {unit}, but rows of {num_rows}")

    def record(self, rows: list[Row]) -> None:
        """Write results to disk before returning."""
        self._cache.add(rows)

    def compact(self) -> None:
        """Keep the results of the items, those that have one, and no others."""
        keys = map(self._key, self._items)
        self._cache.keep(key for key in keys if key in self._cache)
