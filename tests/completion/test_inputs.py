"""Photos are read as planned, with their hole and the faces that it touches."""

from types import SimpleNamespace

import numpy as np
import pytest

from facefill.completion.inputs import MaskChoice, rejected, task_key
from facefill.errors import MaskError, PhotoError
from facefill.imaging.degradations import Downsampling, Inpainting
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import read_photo
from facefill.runtime.files import file_sha256
from photos import write_photo
from restoring import (
    LEFTS,
    OPTIONS,
    PHOTO_SHAPE,
    SIZE,
    WIDE_SHAPE,
    Project,
    face_at,
    noisy_photo,
    place,
    place_two_faces,
    place_without_face,
    reader_of,
    write_hole,
)

UPPER_HALF = np.s_[6:22, 10:42]


@pytest.fixture
def folders(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def reader(folders):
    return reader_of(folders)


def rows_of(*rows, **changes):
    return [SimpleNamespace(**(row | changes)) for row in rows]


def file_choice(folders, name):
    return MaskChoice("file", name, file_sha256(folders.masks / name))


def test_a_shape_is_read_with_what_it_leaves_known(folders, reader):
    rows = rows_of(place(folders, "d/a.jpg"))
    task = reader.read(rows, MaskChoice("left"), "key")
    (face,) = task.faces
    assert np.array_equal(face.measurement.mask, build_mask("left", SIZE))
    assert isinstance(face.measurement.degradation, Inpainting)
    assert task.hole is None
    assert (task.key, task.photo_id, task.mask_name) == ("key", "d/a.jpg", "left")
    assert task.ids == ["d/a.jpg"]
    lowres = reader.read(rows, MaskChoice("lowres"), "key")
    assert isinstance(lowres.faces[0].measurement.degradation, Downsampling)


def test_a_file_is_read_as_it_was_chosen_or_not_at_all(folders, reader):
    rows = rows_of(place(folders, "d/a.jpg"))
    hole = write_hole(folders, "d/a.png", UPPER_HALF)
    mask = file_choice(folders, "d/a.png")
    task = reader.read(rows, mask, "key")
    assert np.array_equal(task.hole, hole)
    known = task.faces[0].measurement.mask
    assert known.mean() == pytest.approx(0.5, abs=1 / SIZE)
    for content in (b"no picture", b""):
        (folders.masks / "d/a.png").write_bytes(content)
        with pytest.raises(MaskError, match="changed since the plan"):
            reader.read(rows, mask, "key")


def test_a_hole_may_be_what_is_transparent_or_of_one_colour(folders):
    photo = noisy_photo()
    painted = photo.copy()
    painted[UPPER_HALF] = (255, 0, 255)
    alpha = np.full(PHOTO_SHAPE[:2], 255, np.uint8)
    alpha[UPPER_HALF] = 0
    hole = alpha == 0
    for source, pixels in (("colour", painted), ("alpha", np.dstack([photo, alpha]))):
        row = place(folders, "a.png")
        path = write_photo(folders.photos / "a.png", pixels)
        row["photo_sha256"] = file_sha256(path)
        reader = reader_of(folders, OPTIONS.model_copy(update={"hole_from": source}))
        task = reader.read(rows_of(row), MaskChoice(source), "key")
        assert np.array_equal(task.hole, hole)
        assert task.mask_name == source


@pytest.mark.parametrize("name", ["center", "lowres", "colorize"])
def test_a_photo_without_a_face_needs_one_if_a_shape_is_to_be_hidden(
    folders, reader, name
):
    rows = rows_of(place_without_face(folders, "a.jpg"))
    with pytest.raises(PhotoError, match="no_face"):
        reader.read(rows, MaskChoice(name), "key")


def test_a_photo_without_a_face_needs_none_if_it_has_a_hole(folders, reader):
    rows = rows_of(place_without_face(folders, "a.jpg"))
    write_hole(folders, "a.png", UPPER_HALF)
    task = reader.read(rows, file_choice(folders, "a.png"), "key")
    assert task.faces == ()
    assert task.ids == ["a.jpg"]


def test_a_photo_that_alignment_did_not_decode_is_not_decoded_for_its_hole(
    folders, reader
):
    row = place_without_face(folders, "a.jpg") | {
        "reason": "too_many_pixels",
        "width": 0,
        "height": 0,
    }
    write_hole(folders, "a.png", UPPER_HALF)
    with pytest.raises(PhotoError, match="too_many_pixels"):
        reader.read(rows_of(row), file_choice(folders, "a.png"), "key")


@pytest.mark.parametrize(
    ("window", "touched"),
    [
        (np.s_[10:20, 20:30], ["a.png"]),
        (np.s_[10:20, 60:70], ["a.png#2"]),
        (np.s_[10:20, 30:60], ["a.png", "a.png#2"]),
        (np.s_[0:4, 84:90], []),
    ],
)
def test_of_several_faces_those_are_read_that_the_hole_touches(
    folders, reader, window, touched
):
    rows = rows_of(*place_two_faces(folders, "a.png"))
    write_hole(folders, "a.png", window, WIDE_SHAPE)
    task = reader.read(rows, file_choice(folders, "a.png"), "key")
    assert [face.face_id for face in task.faces] == touched
    assert task.ids == (touched or ["a.png"])
    photo = read_photo(folders.photos / "a.png")
    for face in task.faces:
        left = LEFTS[face.face_id.endswith("#2")]
        assert np.array_equal(face.measurement.face, face_at(photo, left))


@pytest.mark.parametrize(
    ("placed", "error", "message"),
    [
        (place_without_face, PhotoError, "no_face: .*complete.outside: inpaint"),
        (place, MaskError, "nothing of a face.*complete.outside: inpaint"),
    ],
)
def test_a_hole_that_nothing_would_fill_is_refused_with_the_cure(
    folders, placed, error, message
):
    rows = rows_of(placed(folders, "a.png"))
    write_hole(folders, "a.png", np.s_[:4, :4])
    mask = file_choice(folders, "a.png")
    assert reader_of(folders).read(rows, mask, "key").faces == ()
    leaving = reader_of(folders, OPTIONS.model_copy(update={"outside": "leave"}))
    with pytest.raises(error, match=message):
        leaving.read(rows, mask, "key")


def test_a_hole_is_grown_as_told(folders):
    row = place(folders, "a.png")
    hole = write_hole(folders, "a.png", np.s_[10:20, 20:30])
    mask = file_choice(folders, "a.png")

    def rows_in(grow):
        options = OPTIONS.model_copy(update={"mask_grow": grow})
        found = reader_of(folders, options).read(rows_of(row), mask, "key").hole
        return np.flatnonzero(found.any(axis=1)).tolist()

    assert rows_in(None) == rows_in(0) == np.flatnonzero(hole.any(axis=1)).tolist()
    assert rows_in(3) == list(range(7, 23))


def test_a_key_depends_on_everything_that_a_completion_depends_on(folders):
    row = place(folders, "d/a.jpg") | {"mask": "center", "mask_sha256": ""}

    def key(settings="settings", others=(), **changes):
        return task_key(rows_of(row | changes, *others), settings)

    second = row | {"id": "d/a.jpg#2"}
    keys = [
        key(),
        key("others"),
        key(mask="left"),
        key(mask="file", mask_sha256="abc"),
        key(mask="file", mask_sha256="abd"),
        key(photo_sha256="x"),
        key(face_sha256="x"),
        key(settings="of the alignment"),
        key(id="d/a.jpg#2"),
        key(others=[second]),
        key(others=[second | {"face_sha256": "x"}]),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == key()


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (PhotoError("truncated"), "truncated", "truncated"),
        (PhotoError("crashed", "thrice"), "crashed", "crashed: thrice"),
        (MaskError("no white"), "mask", "no white"),
        (ValueError("shapes"), "failed", "ValueError: shapes"),
    ],
)
def test_a_rejected_row_has_a_word_and_a_sentence(error, reason, detail):
    row = rejected("a.png", error)
    assert row == {
        "id": "a.png",
        "status": "rejected",
        "reason": reason,
        "detail": detail,
    }
