"""Finished work is remembered, and damaged memory counts as work not done."""

import numpy as np
import pytest

from facefill.runtime.result_cache import ResultCache
from facefill.runtime.tables import as_table


def rows_of(*keys):
    return [{"key": key, "value": number} for number, key in enumerate(keys)]


def read(folder):
    """Give what is remembered, to somebody who comes anew."""
    records = ResultCache(folder)
    records.load()
    return {row["key"]: row["value"] for row in records.rows()}


def test_rows_come_back_by_key_whether_merged_or_not(tmp_path):
    records = ResultCache(tmp_path / "records")
    records.load()
    assert len(records) == 0
    assert records.get("a") is None
    records.add(rows_of("a", "ü\n"))
    records.add([{"key": "c", "value": None}])
    for each in (read(records.folder), {r["key"]: r["value"] for r in records.rows()}):
        assert each == {"a": 0, "ü\n": 1, "c": None}
    assert records.get("ü\n") == {"key": "ü\n", "value": 1}
    records.keep(["c", "ü\n"])
    assert list(read(records.folder).items()) == [("c", None), ("ü\n", 1)]
    assert [path.name for path in records.folder.iterdir()] == ["records.jsonl"]
    assert records.get("ü\n") == {"key": "ü\n", "value": 1}
    assert records.get("a") is None


def test_a_row_that_is_added_again_counts_as_it_is_now(tmp_path):
    records = ResultCache(tmp_path)
    records.add(rows_of("a", "b"))
    records.keep(["a", "b"])
    records.add([{"key": "b", "value": 7}])
    assert records.get("b") == {"key": "b", "value": 7}
    records.keep(["a", "b"])
    assert read(tmp_path) == {"a": 0, "b": 7}


def test_a_key_that_is_not_there_cannot_be_kept(tmp_path):
    records = ResultCache(tmp_path)
    records.add(rows_of("a"))
    with pytest.raises(KeyError):
        records.keep(["a", "b"])
    assert read(tmp_path) == {"a": 0}


def test_the_same_rows_kept_again_write_nothing(tmp_path):
    records = ResultCache(tmp_path)
    records.add(rows_of("a"))
    records.keep(["a"])
    before = (tmp_path / "records.jsonl").stat()
    records.load()
    records.keep(["a"])
    after = (tmp_path / "records.jsonl").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_kill_between_merging_and_deleting_changes_nothing(tmp_path):
    records = ResultCache(tmp_path)
    records.add(rows_of("a", "b"))
    (part,) = tmp_path.iterdir()
    content = part.read_bytes()
    records.keep(["b"])
    part.write_bytes(content)
    again = ResultCache(tmp_path)
    again.load()
    again.keep(["b"])
    assert [path.name for path in tmp_path.iterdir()] == ["records.jsonl"]
    assert read(tmp_path) == {"b": 1}


def test_a_damaged_file_is_work_to_be_done_again(tmp_path, caplog):
    records = ResultCache(tmp_path)
    records.add(rows_of("a"))
    (tmp_path / "part-damaged.jsonl").write_bytes(b'{"key": "b"\xff')
    (tmp_path / "part-other.jsonl").write_text("[1, 2]\n")
    (tmp_path / "part-third.jsonl").write_text('{"key": 3}\n')
    assert list(read(tmp_path)) == ["a"]
    assert "part-damaged.jsonl" in caplog.text


def test_a_table_has_the_same_kinds_of_columns_whatever_is_in_it():
    columns = {"text": "", "number": 0, "list": None}
    full = as_table([{"text": "a", "number": 1, "list": [1]}], columns)
    empty = as_table([], columns)
    sparse = as_table([{}], columns)
    assert list(full.dtypes) == list(empty.dtypes) == list(sparse.dtypes)
    assert sparse.to_dict("records") == [{"text": "", "number": 0, "list": None}]


def test_a_table_made_in_pieces_has_every_row_in_order():
    rows = ({"number": number, "list": [number, 0.5]} for number in range(20_001))
    table = as_table(rows, {"number": 0, "list": None, "text": ""})
    assert table["number"].tolist() == list(range(20_001))
    assert np.array_equal(table["list"][20_000], [20_000, 0.5])
    assert table.index.equals(as_table([{}] * 20_001, {"number": 0}).index)
