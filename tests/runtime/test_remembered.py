"""A result is kept until what it depends on changes, and never in parts."""

import subprocess
import sys

import pytest

from facefill.runtime import remembered
from facefill.runtime.remembered import Remembered, key_of


def test_a_result_comes_back_under_its_key_only(tmp_path):
    files = {"grid.png": b"\x89PNG", "single/0.png": b""}
    Remembered(tmp_path / "new", "a").save(files)

    assert Remembered(tmp_path / "new", "a").load() == files
    assert Remembered(tmp_path / "new", "b").load() is None
    assert Remembered(tmp_path / "none", "a").load() is None


def test_a_new_result_takes_the_place_of_the_old_one(tmp_path):
    Remembered(tmp_path, "a").save({"x": b"1"})
    Remembered(tmp_path, "b").save({"y": b"2"})

    assert Remembered(tmp_path, "a").load() is None
    assert Remembered(tmp_path, "b").load() == {"y": b"2"}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("damage", [lambda b: b[:-20], lambda b: b"", bytes.swapcase])
def test_a_damaged_result_is_none(tmp_path, damage):
    Remembered(tmp_path, "a").save({"x": b"content" * 100})
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage(path.read_bytes()))

    assert Remembered(tmp_path, "a").load() is None


def test_the_key_names_all_parts_and_is_the_same_in_another_process():
    code = "from facefill.runtime.remembered import key_of; print(key_of({'b': 1}, 2))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert key_of({"b": 1}, 2) == other.stdout.strip()
    assert key_of({"b": 1}, 2) != key_of({"b": 1}, 3)
    with pytest.raises(TypeError):
        key_of(object())


@pytest.mark.parametrize("changed", ["search.py", "pretrained/encoder.json"])
def test_code_and_packaged_networks_are_in_every_key(tmp_path, monkeypatch, changed):
    monkeypatch.setattr(remembered, "_PACKAGE", tmp_path)
    (tmp_path / "pretrained").mkdir()
    for name in ("search.py", "pretrained/encoder.json"):
        (tmp_path / name).write_text("1")
    package = remembered._package_sha256.__wrapped__
    before = package()
    (tmp_path / changed).write_text("2")
    assert package() != before
