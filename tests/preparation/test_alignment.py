"""Every photo is aligned once, whatever happens meanwhile."""

import json
import os
import random
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from aligning import Failing, Preparing, column, write_two_faces
from facefill.completion.holes import find_holes
from facefill.errors import DataError
from facefill.imaging.holes import hole_reader
from facefill.parameters import AlignOptions, CompleteOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob, Damage
from facefill.preparation.alignment import align_photos
from facefill.preparation.ingestion import ingest
from facefill.runtime import remembered
from facefill.runtime.result_cache import ResultCache
from photos import face_photo, faces_tree, map_here, noise, write_photo
from projects import ROOT


def test_each_photo_is_one_row_and_each_face_one_file(prepare):
    faces_tree(prepare.photos, ["Ann/1.png", "Bob/1.png"], ["Bob/2.png"])
    (prepare.photos / "text.jpg").write_text("no picture")
    (prepare.photos / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    table = prepare()
    assert column(table, "reason") == {
        "Ann/1.png": "",
        "Bob/1.png": "",
        "Bob/2.png": "no_face",
        "cut.jpg": "not_a_picture",
        "text.jpg": "not_a_picture",
    }
    assert set(prepare.written()) == {"Ann/1.png.png", "Bob/1.png.png"}
    aligned = table[table["status"] == "aligned"]
    assert list(aligned["face"]) == ["Ann/1.png.png", "Bob/1.png.png"]
    assert list(aligned["face_sha256"]) == list(prepare.written().values())


def test_a_lost_second_face_is_made_again(prepare, searched):
    write_two_faces(prepare.photos / "two.png")
    prepare(multiple_faces="all")
    files = prepare.written()
    (prepare.faces / "two.png#2.png").unlink()
    prepare(multiple_faces="all")
    assert len(searched) == 2
    assert prepare.written() == files


def test_what_an_earlier_version_recorded_is_done_again(prepare, searched):
    faces_tree(prepare.photos, ["1.png"])
    prepare.records.add([{"key": "a b 1.png", "path": "1.png", "status": "aligned"}])
    assert column(prepare(), "status") == {"1.png": "aligned"}
    assert searched == [0]


def test_a_second_run_searches_no_photo_and_changes_no_file(prepare, searched):
    faces_tree(prepare.photos, ["Ann/1.png", "Bob/1.png"], ["2.png"])
    first, files = prepare(), prepare.written()
    assert sorted(searched) == [0, 1, 2]
    inodes = [path.stat().st_ino for path in prepare.faces.rglob("*.png")]
    second = prepare()
    assert len(searched) == 3
    assert prepare.written() == files
    assert [path.stat().st_ino for path in prepare.faces.rglob("*.png")] == inodes
    assert second.equals(first)


def test_only_a_changed_photo_is_done_again(prepare, searched):
    faces_tree(prepare.photos, ["1.png", "2.png"])
    before = prepare()
    changed = face_photo()[:, ::-1].copy()
    changed[-1, -1] = 7
    write_photo(prepare.photos / "2.png", changed)
    searched.clear()
    after = prepare()
    assert searched == [7]
    same = column(before, "face_sha256"), column(after, "face_sha256")
    assert same[0]["1.png"] == same[1]["1.png"]
    assert same[0]["2.png"] != same[1]["2.png"]


def test_records_of_before_profiles_were_read_stay_for_photos_without_one(
    prepare, searched
):
    faces_tree(prepare.photos, ["plain.png"])
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = Image.fromarray(face_photo()[:, ::-1].copy())
    image.save(prepare.photos / "wide.png", icc_profile=profile)
    before, files = prepare(), prepare.written()
    old = [dict(row) for row in prepare.records.rows()]
    for row in old:
        del row["colours"]
    prepare.records.keep([])
    prepare.records.add(old)
    searched.clear()
    after = prepare()
    assert len(searched) == 1
    assert after.equals(before)
    assert prepare.written() == files
    prepare()
    assert len(searched) == 1


def test_records_of_before_large_faces_were_averaged_stay_for_the_others(
    prepare, searched
):
    faces_tree(prepare.photos, ["small.png"])
    large = cv2.resize(face_photo(), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    large[-1, -1] = 9
    write_photo(prepare.photos / "large.png", large)
    before, files = prepare(size=32), prepare.written()
    old = [dict(row) for row in prepare.records.rows()]
    for row in old:
        del row["crops"]
    prepare.records.keep([])
    prepare.records.add(old)
    searched.clear()

    after = prepare(size=32)

    assert searched == [9]
    assert after.equals(before)
    assert prepare.written() == files


@pytest.mark.parametrize("damage", ["delete", "cut", "change"])
def test_a_face_that_is_not_what_was_written_is_made_again(prepare, searched, damage):
    faces_tree(prepare.photos, ["1.png", "2.png"])
    prepare()
    before = prepare.written()
    face = prepare.faces / "2.png.png"
    content = face.read_bytes()
    if damage == "delete":
        face.unlink()
    elif damage == "cut":
        face.write_bytes(content[:100])
    else:
        face.write_bytes(content[:-30] + b"x" + content[-29:])
    searched.clear()
    prepare()
    assert searched == [1]
    assert prepare.written() == before


def test_the_face_of_a_photo_that_is_gone_goes_too_and_others_files_stay(prepare):
    faces_tree(prepare.photos, ["Ann/1.png", "Bob/1.png"])
    prepare()
    (prepare.faces / "Ann/mine.png").write_bytes(b"not ours")
    (prepare.photos / "Ann/1.png").unlink()
    prepare()
    assert set(prepare.written()) == {"Ann/mine.png", "Bob/1.png.png"}


def test_the_face_of_a_photo_that_shows_none_any_more_goes(prepare):
    faces_tree(prepare.photos, ["1.png", "2.png"])
    prepare()
    write_photo(prepare.photos / "2.png", noise(40, 40))
    prepare()
    assert set(prepare.written()) == {"1.png.png"}


def test_no_face_in_any_photo_is_one_line_with_the_reasons_counted(prepare):
    faces_tree(prepare.photos, [], ["1.png", "2.png"])
    (prepare.photos / "text.jpg").write_text("no picture")
    with pytest.raises(DataError, match="no_face 2, not_a_picture 1") as caught:
        prepare()
    assert "raise align.upsample" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_what_cannot_be_opened_is_told_what_can_be(prepare):
    prepare.photos.mkdir()
    (prepare.photos / "phone.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" * 9)
    (prepare.photos / "other.avif").write_bytes(b"\x00\x00\x00\x18ftypavif" * 9)
    (prepare.photos / "link.jpg").symlink_to("/etc/hostname")
    with pytest.raises(DataError, match="not_a_picture 2, outside 1") as caught:
        prepare()
    assert "save them as JPEG or PNG" in str(caught.value)
    assert "upsample" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_results_do_not_depend_on_chunks_or_their_order(prepare, tmp_path):
    names = [f"{number}.png" for number in range(5)]
    faces_tree(prepare.photos, names)
    other = Preparing(tmp_path / "other")
    faces_tree(other.photos, names)

    def shuffled(work, chunks):
        chunks = list(chunks)
        random.Random(0).shuffle(chunks)
        yield from map_here(work, chunks)

    one, two = prepare(), other(map_chunks=shuffled, chunk_size=2)
    assert one.equals(two)
    assert prepare.written() == other.written()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from facefill.preparation import detection
from aligning import Preparing
find, calls = detection.find_faces, []
def killing(photo, upsample):
    calls.append(1)
    if len(calls) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return find(photo, upsample)
detection.find_faces = killing
Preparing(Path({root!r}))(chunk_size=2)
"""


def test_a_kill_loses_the_chunk_in_flight_and_no_more(prepare, tmp_path, searched):
    names = [f"{number}.png" for number in range(8)]
    faces_tree(prepare.photos, names)
    script = KILLED.format(tests=str(ROOT / "tests/support"), root=str(tmp_path))
    killed = subprocess.run(
        [sys.executable, "-c", script], check=False, env=os.environ.copy()
    )
    assert killed.returncode == -signal.SIGKILL
    litter = prepare.faces / ".writing-killed.tmp"
    litter.write_bytes(b"half a face")
    table = prepare()
    assert sorted(searched) == [4, 5, 6, 7]
    undisturbed = Preparing(tmp_path / "undisturbed")
    faces_tree(undisturbed.photos, names)
    assert table.equals(undisturbed())
    assert prepare.written() == undisturbed.written()


def test_a_chunk_that_never_comes_back_is_a_defect_and_not_a_missing_row(prepare):
    faces_tree(prepare.photos, ["1.png", "2.png"])

    def losing(work, chunks):
        yield [work(item) for item in next(chunks)]

    with pytest.raises(RuntimeError, match="2 photos, but rows of 1"):
        prepare(map_chunks=losing, chunk_size=1)


@pytest.mark.parametrize(
    ("reason", "timeout_s", "is_tried"),
    [
        ("crashed", 5.0, True),
        ("timeout", 5.0, False),
        ("timeout", 4.0, False),
        ("timeout", 6.0, True),
    ],
)
def test_a_photo_that_took_too_long_is_tried_again_if_it_may_take_longer(
    prepare, reason, timeout_s, is_tried
):
    faces_tree(prepare.photos, ["1.png", "2.png"])
    prepare(map_chunks=Failing("2.png", reason), timeout_s=5.0)
    second = Failing("", "")
    table = prepare(map_chunks=second, timeout_s=timeout_s)
    assert second.tried == (["2.png"] if is_tried else [])
    assert column(table, "reason")["2.png"] == ("" if is_tried else "timeout")


def aligned_with(root, work, mask_rows, box, map_chunks=map_here, **completing):
    """Align the photo ``root/photos/a.png`` with this mask, and this hint if any."""
    hole = np.zeros((220, 220), np.uint8)
    hole[mask_rows, 60:160] = 255
    write_photo(root / "masks/a.png.png", hole)
    hints = root / "hints"
    hints.mkdir(exist_ok=True)
    if box:
        (hints / "a.png.json").write_text(json.dumps({"box": box}))
    limits, options = IngestOptions(), AlignOptions()
    reader = hole_reader(CompleteOptions(**completing), limits)
    manifest = ingest(
        root / "photos", ResultCache(work / "ingested"), limits, options, map_here
    )
    holes = find_holes(["a.png"], root / "masks", hints, "files")
    damage = Damage(root / "masks", hints, reader)
    job = AlignJob(root / "photos", work / "faces", 64, options, damage)
    records = ResultCache(work / "records")
    table = align_photos(manifest, job, records, map_chunks, holes)
    return table.drop(columns="box").to_json()


@pytest.mark.parametrize(
    "change",
    [
        [(slice(100, 120), None), (slice(100, 160), None)],
        [(slice(0, 1), [50, 40, 170, 160]), (slice(0, 1), [70, 60, 150, 140])],
    ],
    ids=["mask", "hint"],
)
def test_a_photo_is_aligned_anew_by_another_mask_or_hint(tmp_path, change):
    write_photo(tmp_path / "photos/a.png", face_photo())
    first, second = (aligned_with(tmp_path, tmp_path / "1", *each) for each in change)
    assert first != second
    assert second == aligned_with(tmp_path, tmp_path / "fresh", *change[1])


@pytest.mark.parametrize(
    "change",
    [{"mask_files": "white_is_known"}, {"mask_grow": 40}],
    ids=["polarity", "growth"],
)
def test_a_photo_is_aligned_anew_if_its_mask_is_read_otherwise(tmp_path, change):
    write_photo(tmp_path / "photos/a.png", face_photo())
    hole = slice(100, 120), None
    first = aligned_with(tmp_path, tmp_path / "1", *hole)
    second = aligned_with(tmp_path, tmp_path / "1", *hole, **change)
    assert first != second
    assert second == aligned_with(tmp_path, tmp_path / "fresh", *hole, **change)


@pytest.mark.parametrize("reason", ["changed", "unopenable"])
def test_a_mask_that_is_not_what_was_found_is_tried_again(tmp_path, reason):
    write_photo(tmp_path / "photos/a.png", face_photo())
    mask = tmp_path / "masks/a.png.png"

    def disturbed(work, chunks):
        if reason == "changed":
            write_photo(mask, np.zeros((220, 220), np.uint8))
        else:
            mask.unlink()
        yield from map_here(work, chunks)

    hole = slice(100, 120), None
    first = aligned_with(tmp_path, tmp_path / "1", *hole, map_chunks=disturbed)
    assert f'"reason":{{"0":"{reason}"}}' in first
    second = aligned_with(tmp_path, tmp_path / "1", *hole)
    assert second == aligned_with(tmp_path, tmp_path / "fresh", *hole)


def test_another_version_aligns_damaged_photos_anew_and_leaves_whole_ones(
    tmp_path, monkeypatch
):
    reader = hole_reader(CompleteOptions(), IngestOptions())
    damage = Damage(tmp_path, tmp_path, reader)
    whole, damaged = (
        AlignJob(tmp_path, tmp_path, 64, AlignOptions(), each)
        for each in (None, damage)
    )
    before = whole.settings, damaged.settings
    monkeypatch.setattr(remembered, "_package_sha256", lambda: "of another version")
    assert whole.settings == before[0]
    assert damaged.settings != before[1]
