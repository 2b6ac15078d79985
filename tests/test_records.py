"""Finished work is remembered, and damaged memory counts as work not done."""

from facefill.records import Records, as_table


def rows_of(*keys):
    return [{"key": key, "value": number} for number, key in enumerate(keys)]


def test_rows_come_back_by_key_whether_merged_or_not(tmp_path):
    records = Records(tmp_path / "records")
    assert records.load() == {}
    records.add(rows_of("a", "b"))
    records.add([{"key": "c", "value": None}])
    assert records.load() == {
        "a": {"key": "a", "value": 0},
        "b": {"key": "b", "value": 1},
        "c": {"key": "c", "value": None},
    }
    records.keep(rows_of("b"))
    assert records.load() == {"b": {"key": "b", "value": 0}}
    assert [path.name for path in records.folder.iterdir()] == ["records.jsonl"]


def test_the_same_rows_kept_again_write_nothing(tmp_path):
    records = Records(tmp_path)
    records.keep(rows_of("a"))
    before = (tmp_path / "records.jsonl").stat()
    records.keep(rows_of("a"))
    after = (tmp_path / "records.jsonl").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_damaged_file_is_work_to_be_done_again(tmp_path, caplog):
    records = Records(tmp_path)
    records.add(rows_of("a"))
    (tmp_path / "part-damaged.jsonl").write_bytes(b'{"key": "b"\xff')
    (tmp_path / "part-other.jsonl").write_text("[1, 2]\n")
    assert list(records.load()) == ["a"]
    assert "part-damaged.jsonl" in caplog.text


def test_a_table_has_the_same_kinds_of_columns_whatever_is_in_it():
    columns = {"text": "", "number": 0, "list": None}
    full = as_table([{"text": "a", "number": 1, "list": [1]}], columns)
    empty = as_table([], columns)
    sparse = as_table([{}], columns)
    assert list(full.dtypes) == list(empty.dtypes) == list(sparse.dtypes)
    assert sparse.to_dict("records") == [{"text": "", "number": 0, "list": None}]
