"""Columns of a table are of one kind, whatever is in its rows."""

import io

import numpy as np
import pandas as pd
import pytest

from facefill.runtime import tables
from facefill.runtime.tables import as_parquet, as_table

COLUMNS = {"name": "", "count": 0, "box": None}


@pytest.mark.parametrize("piece", [1, 2, 10_000])
def test_what_is_missing_has_its_value_and_pieces_change_nothing(monkeypatch, piece):
    monkeypatch.setattr(tables, "_ROWS_A_PIECE", piece)
    rows = [{"name": "a", "count": 3}, {"box": [1, 2]}, {"name": "c", "more": 1}]
    table = as_table(iter(rows), COLUMNS)
    assert list(table.columns) == list(COLUMNS)
    assert table["name"].tolist() == ["a", "", "c"]
    assert table["count"].tolist() == [3, 0, 0]
    assert table["box"].iloc[0] is None
    assert table["box"].iloc[1].dtype == np.int32


def test_a_table_without_rows_has_the_same_types():
    some = as_table([{"name": "a", "count": 1, "box": [0.5]}], COLUMNS)
    assert as_table([], COLUMNS).dtypes.equals(some.dtypes)


def test_a_table_comes_back_from_its_bytes():
    table = as_table([{"name": "a", "count": 1}], {"name": "", "count": 0})
    assert pd.read_parquet(io.BytesIO(as_parquet(table))).equals(table)
