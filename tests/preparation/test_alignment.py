"""Every photo becomes a face or a reason, once, whatever happens meanwhile."""

import os
import random
import shutil
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest

from aligning import Preparing
from facefill.errors import DataError
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import read_png
from facefill.preparation import detection
from facefill.preparation.report import report
from photos import face_photo, faces_tree, map_here, noise, write_photo
from projects import ROOT


@pytest.fixture
def prepare(tmp_path):
    return Preparing(tmp_path)


@pytest.fixture
def searched(monkeypatch):
    """Note the photos that the detector is run on."""
    calls = []
    find = detection.find_faces

    def noting(photo, upsample):
        calls.append(int(photo[-1, -1, 0]))  # the number that faces_tree gives
        return find(photo, upsample)

    monkeypatch.setattr(detection, "find_faces", noting)
    return calls


def column(table, name):
    return dict(zip(table["path"], table[name], strict=True))


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


def test_a_row_tells_how_its_face_was_cut_out(prepare):
    faces_tree(prepare.photos, ["Ann/1.png"])
    (row,) = prepare(size=32).to_dict("records")
    photo = read_photo(prepare.photos / "Ann/1.png")
    matrix = np.array(row["matrix"]).reshape(2, 3)
    expected = cv2.warpAffine(photo, matrix, (32, 32))
    assert np.array_equal(read_png(prepare.faces / row["face"]), expected)
    assert row["num_faces"] == 1
    assert (row["width"], row["height"]) == (220, 220)
    landmarks = np.array(row["landmarks"]).reshape(68, 2)
    left, top, right, bottom = row["box"]
    centre = landmarks.mean(axis=0)
    assert left < centre[0] < right
    assert top < centre[1] < bottom


def write_two_faces(path):
    """Show the astronaut twice, on the right in one and a half times the size."""
    large = cv2.resize(face_photo(), (330, 330))
    small = np.zeros_like(large)
    small[:220, :220] = face_photo()
    write_photo(path, np.hstack([small, large]))


def test_the_largest_of_two_faces_is_cut_out(prepare):
    write_two_faces(prepare.photos / "two.png")
    (row,) = prepare().to_dict("records")
    assert row["num_faces"] == 2
    assert row["box"][0] > 330


def test_a_photo_of_two_faces_can_be_skipped(prepare):
    write_two_faces(prepare.photos / "two.png")
    faces_tree(prepare.photos, ["one.png"])
    table = prepare(multiple_faces="skip")
    assert column(table, "reason") == {"one.png": "", "two.png": "several_faces"}
    assert column(table, "num_faces") == {"one.png": 1, "two.png": 2}
    assert set(prepare.written()) == {"one.png.png"}


def test_all_faces_of_a_photo_can_be_taken_the_largest_first(prepare):
    write_two_faces(prepare.photos / "Ann/two.png")
    faces_tree(prepare.photos, ["one.png"], ["none.png"])
    table = prepare(multiple_faces="all")
    assert table["id"].tolist() == [
        "Ann/two.png",
        "Ann/two.png#2",
        "none.png",
        "one.png",
    ]
    assert table["path"].tolist() == ["Ann/two.png"] * 2 + ["none.png", "one.png"]
    assert table["reason"].tolist() == ["", "", "no_face", ""]
    large, small = table.to_dict("records")[:2]
    assert large["box"][0] > 330 > small["box"][2]
    photo = read_photo(prepare.photos / "Ann/two.png")
    for row in (large, small):
        matrix = np.array(row["matrix"]).reshape(2, 3)
        face = read_png(prepare.faces / row["face"])
        assert np.array_equal(face, cv2.warpAffine(photo, matrix, (64, 64)))
    assert dict(zip(table["face"], table["face_sha256"], strict=True)) == {
        **prepare.written(),
        "": "",
    }


def test_further_faces_go_when_only_the_largest_is_wanted(prepare):
    write_two_faces(prepare.photos / "two.png")
    prepare(multiple_faces="all")
    assert set(prepare.written()) == {"two.png.png", "two.png#2.png"}
    prepare()
    assert set(prepare.written()) == {"two.png.png"}


def test_further_faces_go_even_if_nothing_remembers_them(prepare):
    write_two_faces(prepare.photos / "two.png")
    prepare(multiple_faces="all")
    shutil.rmtree(prepare.records.folder)
    prepare()
    assert set(prepare.written()) == {"two.png.png"}


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


@pytest.mark.parametrize(
    "change",
    [
        {"size": 32},
        {"upsample": 0},
        {"landmarks": "outerEyesAndNose"},
        {"multiple_faces": "all"},
    ],
)
def test_changed_parameters_are_noticed(prepare, searched, change):
    faces_tree(prepare.photos, ["1.png"])
    prepare()
    table = prepare(**change)
    assert searched == [0, 0]
    assert table["status"].tolist() == ["aligned"]


def test_other_sizes_of_the_cascade_are_noticed(prepare, searched, monkeypatch):
    faces_tree(prepare.photos, ["1.png"])
    prepare(detector="cascade")
    searched.clear()
    monkeypatch.setattr(detection, "CASCADE", (detection.Stage(320, 0),))
    prepare(detector="cascade")
    assert searched
    searched.clear()
    prepare(detector="cascade")
    assert not searched


@pytest.mark.parametrize("options", [{"workers": 1}, {"chunk_size": 1}])
def test_parameters_that_change_no_face_redo_no_work(prepare, searched, options):
    faces_tree(prepare.photos, ["1.png"])
    prepare()
    prepare(**options)
    assert searched == [0]


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
    assert "\n" not in str(caught.value)


def test_a_photo_that_changes_between_the_two_looks_is_not_mixed_up(prepare):
    faces_tree(prepare.photos, ["1.png", "2.png"])

    def changing(work, chunks):
        write_photo(prepare.photos / "2.png", noise(40, 40))
        yield from map_here(work, chunks)

    table = prepare(map_chunks=changing)
    assert column(table, "reason") == {"1.png": "", "2.png": "changed"}
    assert column(prepare(), "reason") == {"1.png": "", "2.png": "no_face"}


def test_landmarks_on_one_line_are_a_reason(prepare, monkeypatch):
    faces_tree(prepare.photos, ["1.png", "2.png"])
    find = detection.find_landmarks

    def on_a_line(photo, *arguments):
        landmarks = find(photo, *arguments)
        return landmarks * [1, 0] if photo[-1, -1, 0] == 1 else landmarks

    monkeypatch.setattr(detection, "find_landmarks", on_a_line)
    assert column(prepare(), "reason") == {"1.png": "", "2.png": "degenerate"}


def test_a_lack_of_memory_is_a_reason_and_tried_again(prepare, monkeypatch):
    faces_tree(prepare.photos, ["1.png", "2.png"])
    find = detection.find_faces

    def exhausted(photo, upsample):
        if photo[-1, -1, 0] == 1:
            raise MemoryError
        return find(photo, upsample)

    with monkeypatch.context() as patch:
        patch.setattr(detection, "find_faces", exhausted)
        assert column(prepare(), "reason") == {"1.png": "", "2.png": "out_of_memory"}
    assert column(prepare(), "reason") == {"1.png": "", "2.png": ""}


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


class Failing:
    """Maps chunks here, but one photo has the fate of those that others kill."""

    def __init__(self, photo_id, reason):
        self.photo_id, self.reason = photo_id, reason
        self.tried = []

    def __call__(self, work, chunks):
        for chunk in chunks:
            self.tried += [photo_id for photo_id, _ in chunk]
            yield [
                work.failed(item, self.reason)
                if item[0] == self.photo_id
                else work(item)
                for item in chunk
            ]


@pytest.mark.parametrize("reason", ["crashed", "timeout"])
def test_a_photo_that_fails_loses_its_former_face_and_no_others(prepare, reason):
    faces_tree(prepare.photos, ["1.png", "2.png"])
    prepare()
    changed = face_photo()[:, ::-1].copy()
    write_photo(prepare.photos / "2.png", changed)
    table = prepare(map_chunks=Failing("2.png", reason))
    assert column(table, "reason") == {"1.png": "", "2.png": reason}
    assert column(table, "status") == {"1.png": "aligned", "2.png": "rejected"}
    assert set(prepare.written()) == {"1.png.png"}


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


def test_the_report_accounts_for_every_file(prepare):
    faces_tree(prepare.photos, ["Ann/1.png", "Bob/1.png"], ["Bob/2.png"])
    (prepare.photos / "copy.png").write_bytes(
        (prepare.photos / "Ann/1.png").read_bytes()
    )
    manifest = prepare.ingest()
    aligned = prepare()
    table = aligned[aligned["status"] == "aligned"].assign(
        split="train", duplicate="", duplicate_of=""
    )
    assert report(manifest, aligned, table) == {
        "num_files": 4,
        "num_aligned": 3,
        "aligned_fraction": 0.75,
        "num_rejected": 1,
        "rejected": {"no_face": 1},
        "num_faces": 3,
        "rejected_faces": {},
        "num_several_faces": 0,
        "exact_duplicates": {"copy.png": "Ann/1.png"},
        "near_duplicates": {},
        "splits": {"train": 3},
    }


def test_the_report_counts_photos_and_faces_apart(prepare):
    write_two_faces(prepare.photos / "two.png")
    faces_tree(prepare.photos, ["one.png"], ["none.png"])
    manifest = prepare.ingest()
    aligned = prepare(multiple_faces="all")
    table = aligned[aligned["status"] == "aligned"].assign(
        split="train", duplicate="", duplicate_of=""
    )
    counts = report(manifest, aligned, table)
    assert (counts["num_files"], counts["num_aligned"], counts["num_faces"]) == (
        3,
        2,
        3,
    )
    assert counts["num_rejected"] == sum(counts["rejected"].values()) == 1
    assert counts["num_several_faces"] == 1
