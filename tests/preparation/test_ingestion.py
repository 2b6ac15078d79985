"""Every file is one row, and no photo is decoded twice."""

import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from facefill.errors import DataError
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation import ingestion, inspection
from facefill.runtime.result_cache import ResultCache
from photos import map_here, noise, write_photo


def ingest(photos, records, options, map_chunks=map_here, **align):
    align = AlignOptions(**align)
    return ingestion.ingest(photos, records, options, align, map_chunks)


@pytest.fixture
def records(tmp_path):
    return ResultCache(tmp_path / "records")


@pytest.fixture
def decoded(monkeypatch):
    """Count how many photos are decoded."""
    calls = Counter()
    decode = inspection.decode_photo

    def counting(*arguments):
        calls["photos"] += 1
        return decode(*arguments)

    monkeypatch.setattr(inspection, "decode_photo", counting)
    return calls


def reasons(table):
    return dict(zip(table["path"], table["reason"], strict=True))


def test_each_kind_of_file_is_one_row_with_its_reason(tmp_path, records):
    photos = tmp_path / "photos"
    write_photo(photos / "Ann/1.png", noise())
    write_photo(photos / "a folder.jpg/é %2F.png", noise(seed=1))
    (photos / "text.jpg").write_text("no picture")
    (photos / "empty.jpg").touch()
    (photos / ".DS_Store").touch()
    (photos / ".hidden").mkdir()
    (photos / ".hidden/2.png").touch()
    os.mkfifo(photos / "pipe.jpg")
    write_photo(tmp_path / "elsewhere/3.png", noise(seed=2))
    (photos / "outside.png").symlink_to(tmp_path / "elsewhere/3.png")
    (photos / "folder").symlink_to(photos / "Ann")
    (photos / "inside.png").symlink_to("Ann/1.png")
    (photos / "broken.png").symlink_to("nothing")
    (photos / "loop.png").symlink_to("loop.png")
    os.rename(  # noqa: PTH104  # pathlib has no names in bytes
        write_photo(photos / "b.png", noise()), os.fsencode(photos) + b"/caf\xe9.png"
    )
    table = ingest(photos, records, IngestOptions())
    assert reasons(table) == {
        ".DS_Store": "hidden",
        ".hidden": "hidden",
        "Ann/1.png": "",
        "a folder.jpg/é %2F.png": "",
        "broken.png": "broken_link",
        "caf\\xe9.png": "bad_name",
        "empty.jpg": "empty",
        "folder": "link_to_folder",
        "inside.png": "",
        "loop.png": "broken_link",
        "outside.png": "outside",
        "pipe.jpg": "not_a_file",
        "text.jpg": "not_a_picture",
    }
    assert table["path"].is_monotonic_increasing
    assert ((table["status"] == "ok") == (table["reason"] == "")).all()


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_the_files_of_any_tree(tmp_path, records, seed):
    chosen = random.Random(seed)
    for number in range(60):
        depth = chosen.randrange(4)
        folder = tmp_path.joinpath("photos", *chosen.choices("abc", k=depth))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(chosen.randbytes(9))
    table = ingest(tmp_path / "photos", records, IngestOptions())
    files = [path for path in (tmp_path / "photos").rglob("*") if path.is_file()]
    expected = sorted(str(path.relative_to(tmp_path / "photos")) for path in files)
    assert list(table["path"]) == expected


def test_what_is_known_of_a_photo_is_right(tmp_path, records):
    path = write_photo(tmp_path / "photos/1.png", noise(24, 32))
    (row,) = ingest(tmp_path / "photos", records, IngestOptions()).to_dict("records")
    assert (row["width"], row["height"]) == (32, 24)
    assert row["size_bytes"] == path.stat().st_size
    assert len(row["sha256"]) == 64
    assert len(row["perceptual_hash"]) == 16


def test_exact_duplicates_name_the_first_of_them(tmp_path, records):
    photos = tmp_path / "photos"
    for name in ("b/1.png", "a/2.png", "c.png"):
        write_photo(photos / name, noise())
    write_photo(photos / "d.png", noise(seed=1))
    table = ingest(photos, records, IngestOptions())
    assert dict(zip(table["path"], table["duplicate_of"], strict=True)) == {
        "a/2.png": "",
        "b/1.png": "a/2.png",
        "c.png": "a/2.png",
        "d.png": "",
    }


def test_a_second_run_decodes_nothing_and_gives_the_same_table(
    tmp_path, records, decoded
):
    photos = tmp_path / "photos"
    for number in range(5):
        write_photo(photos / f"{number}.png", noise(seed=number))
    (photos / "text.jpg").write_text("no picture")
    first = ingest(photos, records, IngestOptions())
    assert decoded["photos"] == 6
    for path in photos.iterdir():
        os.utime(path, (0, 0))
    (photos / "0.png").rename(photos / "moved.png")
    second = ingest(photos, records, IngestOptions())
    assert decoded["photos"] == 6
    kept = second["path"] != "moved.png"
    assert second[kept].equals(
        first[first["path"] != "0.png"].set_index(second[kept].index)
    )


def test_a_changed_photo_is_decoded_again_though_its_time_and_size_are_equal(
    tmp_path, records, decoded
):
    path = tmp_path / "photos/1.bmp"
    write_photo(path, noise())
    before, status = ingest(path.parent, records, IngestOptions()), path.stat()
    write_photo(path, noise(seed=1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    after = ingest(path.parent, records, IngestOptions())
    assert decoded["photos"] == 2
    assert before["sha256"][0] != after["sha256"][0]


def test_changed_limits_are_noticed(tmp_path, records):
    photos = tmp_path / "photos"
    write_photo(photos / "1.png", noise(10, 10))
    found = [
        ingest(photos, records, IngestOptions(**limits))["reason"][0]
        for limits in ({}, {"max_pixels": 99}, {"max_bytes": 9}, {"max_pixels": 100})
    ]
    assert found == ["", "too_many_pixels", "too_many_bytes", ""]


@pytest.mark.parametrize("content", ["absent", "empty", "hidden only"])
def test_a_folder_without_photos_is_one_line_that_names_it(tmp_path, records, content):
    photos = tmp_path / "photos"
    if content != "absent":
        photos.mkdir()
    if content == "hidden only":
        (photos / ".gitkeep").touch()
    with pytest.raises(DataError, match=r"photos .*; put your photos there") as caught:
        ingest(photos, records, IngestOptions())
    assert str(photos) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_photos_are_never_written_to(tmp_path, records):
    photos = tmp_path / "photos"
    write_photo(photos / "Ann/1.png", noise())
    for folder in (photos / "Ann", photos):
        folder.chmod(0o555)
    before = {path: path.stat().st_mtime_ns for path in photos.rglob("*")}
    ingest(photos, records, IngestOptions())
    assert {path: path.stat().st_mtime_ns for path in photos.rglob("*")} == before
    for folder in (photos, photos / "Ann"):
        folder.chmod(0o755)


def test_the_folder_of_photos_may_be_a_link(tmp_path, records):
    write_photo(tmp_path / "real/1.png", noise())
    (tmp_path / "real/2.png").symlink_to("1.png")
    Path(tmp_path / "photos").symlink_to("real")
    table = ingest(tmp_path / "photos", records, IngestOptions())
    assert reasons(table) == {"1.png": "", "2.png": ""}


def test_work_done_before_a_kill_is_kept(tmp_path, records, decoded, monkeypatch):
    photos = tmp_path / "photos"
    for number in range(9):
        write_photo(photos / f"{number}.png", noise(seed=number))
    hash_photo = inspection.perceptual_hash

    def killed(photo):
        if np.array_equal(photo, noise(seed=5)):
            raise KeyboardInterrupt
        return hash_photo(photo)

    with monkeypatch.context() as patch:
        patch.setattr(inspection, "perceptual_hash", killed)
        with pytest.raises(KeyboardInterrupt):
            ingest(photos, records, IngestOptions(), chunk_size=2)
    decoded.clear()
    assert len(ingest(photos, records, IngestOptions())) == 9
    assert decoded["photos"] == 5  # 4 to 8: a chunk is two, the fifth was in work
