"""A photo becomes its faces, or a reason, by what the parameters say."""

import shutil

import cv2
import numpy as np
import pytest

from aligning import Failing, column, write_two_faces
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import read_png
from facefill.preparation import detection
from photos import face_photo, faces_tree, map_here, noise, write_photo


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


def test_a_photo_that_changes_between_the_two_looks_is_not_mixed_up(prepare):
    faces_tree(prepare.photos, ["1.png", "2.png"])

    def changing(work, chunks):
        write_photo(prepare.photos / "2.png", noise(40, 40))
        yield from map_here(work, chunks)

    table = prepare(map_chunks=changing)
    assert column(table, "reason") == {"1.png": "", "2.png": "changed"}
    assert column(prepare(), "reason") == {"1.png": "", "2.png": "no_face"}


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
    "change",
    [
        {"size": 32},
        {"upsample": 0},
        {"landmarks": "outerEyesAndNose"},
        {"multiple_faces": "all"},
        {"border": "mirror"},
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
