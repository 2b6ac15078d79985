"""Faces are found in their photos, and hidden where the mask says."""

from dataclasses import replace

import numpy as np
import pytest

from facefill.errors import PhotoError
from facefill.evaluation.hidden_faces import CROP, HiddenFace, crops_of
from facefill.imaging.geometry import square_crop
from facefill.imaging.photos import read_photo
from facefill.parameters import IngestOptions
from hidden import SIZE, finder
from photos import face_photo, write_photo

SPLITS = ["train", "test", "test", "validation", "test", "validation"]


def test_the_photos_found_are_those_of_the_side(tmp_path):
    found = finder(tmp_path, SPLITS)
    tests = found.find("test", 9, seed=1)
    assert {face.aligned.face_id[:8] for face in tests} == {
        "person01",
        "person02",
        "person04",
    }
    assert len(found.find("test", 2, seed=1)) == 2
    validation = found.find("validation", 9, seed=1)
    assert {face.path.parent.name for face in validation} == {"person03", "person05"}
    assert crops_of(validation).shape == (2, CROP, CROP, 3)
    assert crops_of([]).shape == (0, CROP, CROP, 3)


def test_photos_that_are_gone_or_changed_are_left_out_and_counted(tmp_path, caplog):
    found = finder(tmp_path, SPLITS)
    (tmp_path / "person01/1.png").unlink()
    write_photo(tmp_path / "person02/1.png", face_photo()[::-1])
    write_photo(tmp_path / "person04/1.png", face_photo()).write_bytes(b"no picture")
    assert found.find("test", 9, seed=1) == []
    for reason in ("missing 1", "changed 1", "not_a_picture 1"):
        assert reason in caplog.text


def test_which_photos_are_there_is_told_without_reading_them(tmp_path):
    found = finder(tmp_path, SPLITS)
    everyone = [face.aligned.face_id for face in found.find("test", 9, seed=1)]
    assert found.present("test", 9, seed=1) == everyone
    assert found.present("test", 2, seed=1) == everyone[:2]
    (tmp_path / everyone[0]).unlink()
    assert found.present("test", 2, seed=1) == everyone[1:]


@pytest.fixture
def face(tmp_path):
    (face,) = finder(tmp_path, ["train", "test"]).find("test", 1, seed=1)
    return face


def test_photos_are_as_large_as_the_run_allows(tmp_path, caplog):
    found = finder(tmp_path, ["test", "test"])
    sizes = [read_photo(path)[..., 0].size for path in sorted(tmp_path.rglob("*.png"))]
    assert sizes[0] > sizes[1]
    exact, less = (IngestOptions(max_pixels=limit) for limit in sorted(sizes)[::-1])
    every = replace(found, limits=exact).find("test", 2, 1)
    assert sorted(face.photo[..., 0].size for face in every) == sorted(sizes)
    assert len(replace(found, limits=less).find("test", 2, 1)) == 1
    assert "too_many_pixels 1" in caplog.text
    largest = max(every, key=lambda face: face.photo.size)
    with pytest.raises(PhotoError, match="pixels"):
        _ = replace(largest, limits=less).photo


def test_the_crop_shows_the_face_and_the_mask_its_hole(face):
    photo = face.photo
    crop, mask = face.crop(photo), face.mask(photo.shape)
    assert crop.shape == (CROP, CROP, 3)
    # A shrunk crop is the aligned face itself, but that one is an average.
    factor = CROP // SIZE
    means = crop.reshape(SIZE, factor, SIZE, factor, 3).mean(axis=(1, 3))
    assert np.abs(means - face.aligned.pixels)[1:-1, 1:-1].mean() < 3.0
    # A quarter of the face is hidden, to a pixel of the photo at its edges.
    assert mask.shape == (CROP, CROP)
    expected = face.kept.repeat(factor, axis=0).repeat(factor, axis=1)
    assert (mask != expected).mean() < 0.02
    assert (~mask).mean() == pytest.approx(0.25, abs=0.02)


def test_what_is_hidden_is_not_in_the_painted_photo(face):
    painted, hole = face.painted()
    photo = face.photo
    assert hole.any()
    assert (painted[hole] == 128).all()
    assert np.array_equal(painted[~hole], photo[~hole])
    assert np.array_equal(hole, face.hole(photo.shape))


def test_the_second_face_of_a_photo_is_found_by_its_name(tmp_path):
    found = finder(tmp_path, ["train", "test"])
    found.faces.table.loc[1, "id"] = "person01/1.png#2"
    assert found.find("test", 1, seed=1) == []  # it has one only
    name = tmp_path / "person01/1.png"
    name.rename(tmp_path / "person01/1#7")
    found.faces.table.loc[1, "id"] = "person01/1#7#1"
    (face,) = found.find("test", 1, seed=1)
    assert face.path.name == "1#7"
    assert np.array_equal(
        square_crop(read_photo(face.path), SIZE)[0], face.aligned.pixels
    )
    assert isinstance(face, HiddenFace)


def test_a_file_of_a_faces_name_is_not_taken_for_its_photo(tmp_path, caplog):
    found = finder(tmp_path, ["train", "test"])
    (tmp_path / "person01/1.png#2").write_bytes(b"no picture")
    found.faces.table.loc[1, "id"] = "person01/1.png#2"
    assert found.find("test", 1, seed=1) == []
    # The photo itself was read, and has no second face.
    assert "changed 1" in caplog.text
