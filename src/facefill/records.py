"""A folder that remembers finished work, so that a killed run loses little.

Synopsis::

    records = Records(folder)
    done = records.load()
    records.add([{"key": "...", "reason": "no_face"}])
    records.keep(rows)  # these, and no others

A row's ``key`` says all that its content depends on, such as the hash of a photo
and of the settings, so that rows never go stale: what changed has another key.
Every ``add`` makes one new file atomically; ``keep`` merges them into one file
before it deletes them. A kill at any point leaves each row in one file at least.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from facefill.files import remove_litter, write_bytes

logger = logging.getLogger(__name__)

Row = dict[str, Any]

_MERGED = "records.jsonl"
_PART = "part-*.jsonl"


_KINDS = {str: "str", int: "int64"}


def as_table(
    rows: Iterable[Row], columns: Mapping[str, str | int | None]
) -> pd.DataFrame:
    """Make a table of rows, its columns of the same kind whatever is in them.

    Args:
        rows: Each with any of the columns.
        columns: What stands for a missing value; ``None`` in columns of lists.
    """
    rows = list(rows)
    return pd.DataFrame(
        {
            name: pd.Series(
                [row.get(name, missing) for row in rows],
                dtype=_KINDS.get(type(missing), "object"),
            )
            for name, missing in columns.items()
        }
    )


class Records:
    """Rows of finished work in a folder, one JSON object a line."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when the first rows are added."""
        self.folder = folder

    def load(self) -> dict[str, Row]:
        """Read every row, by its key; a damaged file counts as work not done."""
        rows: dict[str, Row] = {}
        for path in [*self._parts(), self.folder / _MERGED]:
            if path.is_file():
                rows.update(_read(path))
        return rows

    def add(self, rows: list[Row]) -> None:
        """Write rows to disk before returning."""
        if rows:
            content = _encode(rows)
            name = f"part-{hashlib.sha256(content).hexdigest()[:32]}.jsonl"
            write_bytes(self.folder / name, content)

    def keep(self, rows: Iterable[Row]) -> None:
        """Make these rows the only ones."""
        parts = self._parts()
        content = _encode(rows)
        merged = self.folder / _MERGED
        if not (merged.is_file() and merged.read_bytes() == content):
            write_bytes(merged, content)
        for part in parts:
            part.unlink(missing_ok=True)
        remove_litter(self.folder)

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob(_PART))


def _encode(rows: Iterable[Row]) -> bytes:
    lines = (json.dumps(row, sort_keys=True, allow_nan=False) for row in rows)
    return "".join(line + "\n" for line in lines).encode()


def _read(path: Path) -> dict[str, Row]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        return {row["key"]: row for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        logger.warning("%s is damaged; its work is done again: %s", path, error)
        return {}
