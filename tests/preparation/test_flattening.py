"""The training set holds each aligned face once."""

import os

import numpy as np
import pandas as pd
import pytest

from facefill.errors import DataError
from facefill.imaging.pictures import read_png, write_png
from facefill.preparation.face_set import read_face_set, write_face_set
from facefill.preparation.flattening import flatten
from facefill.preparation.naming import tree_name
from photos import noise


def aligned_tree(folder, photo_ids, size=16):
    """Write a face of noise for each photo, and their table, with one left out."""
    rows = []
    for number, photo_id in enumerate(photo_ids):
        write_png(folder / tree_name(photo_id), noise(size, size, number))
        rows.append({"id": photo_id, "split": "train"})
    rows.append({"id": "duplicate.jpg", "split": ""})
    table = pd.DataFrame(rows)
    return table.assign(face=[tree_name(face_id) for face_id in table["id"]])


@pytest.fixture
def flat(tmp_path):
    """Flatten faces of the given photos, by default all to train on."""

    def make(photo_ids, splits=None, size=16):
        selection = aligned_tree(tmp_path / "aligned", photo_ids)
        selection.loc[: len(photo_ids) - 1, "split"] = splits or "train"
        return flatten(tmp_path / "aligned", selection, tmp_path / "faces", size)

    return make


def names_in(folder):
    return {path.name for path in folder.iterdir() if path.name[0] != "."}


def test_equal_names_of_two_people_stay_two_files_and_two_faces(flat, tmp_path):
    faces = flat(["Ann/0001.jpg", "Bob/0001.jpg"])
    assert names_in(tmp_path / "faces") == {
        "Ann%2F0001.jpg.png",
        "Bob%2F0001.jpg.png",
    }
    assert np.array_equal(faces.images, [noise(16, 16, 0), noise(16, 16, 1)])
    assert faces.table["id"].tolist() == ["Ann/0001.jpg", "Bob/0001.jpg"]


def test_array_folder_and_table_agree_on_every_face(flat, tmp_path):
    photo_ids = [f"{'abc'[number % 3]}/{number}.jpg" for number in range(12)]
    faces = flat(sorted(photo_ids), ["train", "validation", "test"] * 4)
    for image, source in zip(faces.images, faces.table["source"], strict=True):
        assert np.array_equal(read_png(tmp_path / "faces" / source), image)


def test_what_is_trained_on_is_one_piece_that_is_not_copied(flat, tmp_path):
    ids = ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"]
    faces = flat(ids, ["test", "train", "validation", "train", "test"])
    write_face_set(tmp_path / "faces.npy", faces)
    faces = read_face_set(tmp_path / "faces.npy")
    # Those held out are in the order that they had before they were halved.
    assert faces.table["id"].tolist() == ["2.jpg", "4.jpg", "1.jpg", "3.jpg", "5.jpg"]
    train = faces.of_split("train")
    assert np.array_equal(train, [noise(16, 16, 1), noise(16, 16, 3)])
    assert np.shares_memory(train, faces.images)
    assert np.array_equal(faces.of_split("test"), [noise(16, 16, 0), noise(16, 16, 4)])
    assert np.array_equal(faces.of_split("validation"), [noise(16, 16, 2)])
    assert faces.of_split("other").shape == (0, 16, 16, 3)


def test_faces_of_photos_that_are_gone_go_and_others_files_stay(flat, tmp_path):
    flat(["1.jpg", "2.jpg"])
    (tmp_path / "faces/mine.png").write_bytes(b"not ours")
    flat(["1.jpg"])
    assert names_in(tmp_path / "faces") == {"1.jpg.png", "mine.png"}


def test_a_changed_face_is_changed_in_the_flat_folder_too(flat, tmp_path):
    flat(["1.jpg", "2.jpg"])
    faces = flat(["2.jpg", "1.jpg"])  # now the noise of each is the other's
    assert np.array_equal(faces.images, [noise(16, 16, 1), noise(16, 16, 0)])
    assert np.array_equal(read_png(tmp_path / "faces/1.jpg.png"), noise(16, 16, 1))


def test_faces_are_copied_where_links_cannot_be(flat, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    flat(["1.jpg"])
    assert np.array_equal(read_png(tmp_path / "faces/1.jpg.png"), noise(16, 16, 0))


@pytest.mark.parametrize("fault", ["absent", "damaged", "other size"])
def test_an_unusable_aligned_face_is_named(flat, tmp_path, fault):
    selection = aligned_tree(tmp_path / "aligned", ["Ann/1.jpg"])
    face = tmp_path / "aligned/Ann/1.jpg.png"
    if fault == "absent":
        face.unlink()
    elif fault == "damaged":
        face.write_bytes(face.read_bytes()[:40])
    size = 32 if fault == "other size" else 16
    with pytest.raises(DataError, match=r"Ann/1\.jpg\.png .*--pipeline=prepare"):
        flatten(tmp_path / "aligned", selection, tmp_path / "faces", size)


def test_no_face_that_is_left_is_an_error(tmp_path):
    selection = aligned_tree(tmp_path / "aligned", [])
    with pytest.raises(DataError, match="no face is left"):
        flatten(tmp_path / "aligned", selection, tmp_path / "faces", 16)
