"""Rows (dictionaries) to pandas tables, a piece at a time.

A row as a dictionary takes ten times the memory of a row of a table.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from facefill.runtime.batching import groups

_ROWS_A_PIECE = 10_000
_KINDS = {str: "str", int: "int64"}


def as_table(
    rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str | int | None]
) -> pd.DataFrame:
    """Make a table of rows, its columns of the same kind whatever is in them.

    Args:
        rows: Each with any of the columns; taken one at a time.
        columns: What stands for a missing value; ``None`` in columns of lists of
            numbers, which become arrays of int32 or float64.
    """
    pieces = [_piece(batch, columns) for batch in groups(rows, _ROWS_A_PIECE)]
    return pd.concat([_piece([], columns), *pieces], ignore_index=True)


def as_parquet(table: pd.DataFrame) -> bytes:
    """Encode a table as a Parquet file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _piece(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str | int | None]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            name: pd.Series(
                [_value(row.get(name), missing) for row in rows],
                dtype=_KINDS.get(type(missing), "object"),
            )
            for name, missing in columns.items()
        }
    )


def _value(value: Any, missing: str | int | None) -> Any:
    if value is None:
        return missing
    if missing is None:
        array = np.asarray(value)
        return array.astype(np.int32) if array.dtype.kind == "i" else array
    return value
