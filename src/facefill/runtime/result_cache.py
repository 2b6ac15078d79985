"""Result cache: an append-only folder of JSON rows by key, safe against kills.

Synopsis::

    cache = ResultCache(folder)
    cache.load()
    cache.add([{"key": "...", "reason": "no_face"}])
    row = cache.get("...")
    cache.keep(["..."])  # the rows of these keys, and no others

A row's ``key`` says all that its content depends on, such as the hash of a photo
and of the settings, so that rows never go stale: what changed has another key.
Every ``add`` makes one new file atomically; ``keep`` merges them into one file
before it deletes them. A kill at any point leaves each row in one file at least.

Rows stay on disk. What is in memory is where each of them is: some 150 bytes.
"""

import hashlib
import itertools
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from facefill.runtime.files import remove_litter, replacing, write_bytes

logger = logging.getLogger(__name__)

Row = dict[str, Any]

_MERGED = "records.jsonl"
_PART = "part-*.jsonl"
_OFFSET_BITS = 40


class ResultCache:
    """Rows of finished work in a folder, one JSON object a line."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when the first rows are added."""
        self.folder = folder
        self._files: list[Path] = []
        # The number of the file and the offset of the row in it, by a hash of the
        # key; both numbers in one, which takes a quarter of the memory of a pair.
        self._positions: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._positions)

    def __contains__(self, key: str) -> bool:
        """Whether there is a row of a key."""
        return _digest(key) in self._positions

    def load(self) -> None:
        """Find every row; a damaged file counts as work not done."""
        self._files, self._positions = [], {}
        # Parts that are not merged yet are newer than what is.
        for path in [self.folder / _MERGED, *self._parts()]:
            if path.is_file():
                self._note(path, _offsets(path))

    def get(self, key: str) -> Row | None:
        """Read the row of a key, if there is one."""
        position = self._positions.get(_digest(key))
        return None if position is None else next(self._rows([position]))

    def rows(self) -> Iterator[Row]:
        """Read every row."""
        return self._rows(self._positions.values())

    def add(self, rows: list[Row]) -> None:
        """Write rows to disk before returning."""
        if rows:
            content = b"".join(map(_encode, rows))
            path = (
                self.folder / f"part-{hashlib.sha256(content).hexdigest()[:32]}.jsonl"
            )
            write_bytes(path, content)
            self._note(path, _offsets(path))

    def keep(self, keys: Iterable[str]) -> None:
        """Make the rows of these keys the only ones, in their order.

        Raises:
            KeyError: If there is no such row.
        """
        positions = {digest: self._positions[digest] for digest in map(_digest, keys)}
        merged = self.folder / _MERGED
        if self._files != [merged] or list(positions) != list(self._positions):
            offsets = {}
            with replacing(merged) as temporary, temporary.open("wb") as stream:
                lines = self._lines(positions.values())
                for digest, line in zip(positions, lines, strict=True):
                    offsets[digest] = stream.tell()
                    stream.write(line)
            self._files, self._positions = [], {}
            self._note(merged, offsets)
        for part in self._parts():
            part.unlink(missing_ok=True)
        remove_litter(self.folder)

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob(_PART))

    def _note(self, path: Path, offsets: dict[bytes, int]) -> None:
        first = len(self._files) << _OFFSET_BITS
        self._files.append(path)
        self._positions.update((key, first + offset) for key, offset in offsets.items())

    def _rows(self, positions: Iterable[int]) -> Iterator[Row]:
        return map(json.loads, self._lines(positions))

    def _lines(self, positions: Iterable[int]) -> Iterator[bytes]:
        by_file = itertools.groupby(positions, lambda each: each >> _OFFSET_BITS)
        for number, group in by_file:
            with self._files[number].open("rb") as stream:
                for position in group:
                    stream.seek(position & ((1 << _OFFSET_BITS) - 1))
                    yield stream.readline()


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


def _encode(row: Row) -> bytes:
    return (json.dumps(row, sort_keys=True, allow_nan=False) + "\n").encode()


def _offsets(path: Path) -> dict[bytes, int]:
    """Find where in a file the row of each key begins."""
    offsets, offset = {}, 0
    try:
        with path.open("rb") as stream:
            for line in stream:
                offsets[_digest(json.loads(line)["key"])] = offset
                offset += len(line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("%s is damaged; its work is done again: %s", path, error)
        return {}
    return offsets
