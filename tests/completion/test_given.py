"""Photos, holes and hints are read as they are given, or refused in a line."""

import numpy as np
import pytest

from facefill.completion.given import read_given, read_pixels
from facefill.errors import MaskError, PhotoError
from facefill.parameters import CompleteOptions
from facefill.preparation.detection import Box
from photos import noise

PHOTO = noise(40, 47)
HOLE = np.zeros(PHOTO.shape[:2], np.bool_)
HOLE[10:20, 12:30] = True
WHITE = np.where(HOLE, np.uint8(255), np.uint8(0))


def read(mask, **options):
    return read_given(PHOTO, mask, CompleteOptions(**options), None)


@pytest.mark.parametrize(
    "mask",
    [
        HOLE,
        WHITE,
        WHITE[..., None],
        np.dstack([WHITE] * 3),
        np.dstack([np.full((*HOLE.shape, 3), 255, np.uint8), WHITE]),
    ],
    ids=["bool", "grey", "one channel", "rgb", "rgba"],
)
def test_a_hole_is_the_same_however_its_picture_is_given(mask):
    given = read(mask)
    assert np.array_equal(given.hole, HOLE)
    assert given.shape is None
    assert given.size == (40, 47)


@pytest.mark.parametrize(
    "mask",
    [
        WHITE[0],
        WHITE[None, ..., None],
        np.dstack([WHITE] * 2),
        np.dstack([WHITE] * 5),
        WHITE.astype(np.float32),
        HOLE[..., None],
        np.empty((0, 47), np.uint8),
    ],
    ids=["a row", "a batch", "two", "five", "floats", "bool of a channel", "empty"],
)
def test_an_array_that_is_no_mask_is_refused_with_its_shape(mask):
    with pytest.raises(MaskError, match=rf"{mask.dtype} \({mask.shape[0]}, ?") as error:
        read(mask)
    assert "a mask is bool or uint8" in str(error.value)


def test_a_mask_that_hides_nothing_is_named_as_one():
    for mask in (HOLE & ~HOLE, np.zeros_like(WHITE)):
        with pytest.raises(MaskError, match=r"^the mask ") as error:
            read(mask)
        assert "nothing" in str(error.value)
    with pytest.raises(MaskError, match="the mask has no black pixel"):
        read(np.full_like(WHITE, 255), mask_files="white_is_known")


@pytest.mark.parametrize(
    "photo", [PHOTO[:0], PHOTO[:, :0], PHOTO[..., 0], PHOTO.astype(float)]
)
def test_an_array_that_is_no_photo_is_refused_with_its_shape(photo):
    with pytest.raises(PhotoError, match="a photo is uint8 RGB") as error:
        read_pixels(photo)
    assert str(photo.shape) in str(error.value)


@pytest.mark.parametrize("hint", [5, [1, 2, 30, 40], {"eyes": 7}, {"box": "1234"}])
def test_what_is_no_hint_is_refused_with_the_form_of_one(hint):
    with pytest.raises(PhotoError, match=r"a hint is|no number of pixels") as error:
        read_given(PHOTO, HOLE, CompleteOptions(), hint)
    assert error.value.reason == "hint"


def test_a_hint_is_a_file_or_what_one_holds(tmp_path):
    (tmp_path / "a.json").write_text('{"box": [1, 2, 30, 40]}')
    for hint in (
        tmp_path / "a.json",
        str(tmp_path / "a.json"),
        {"box": (1, 2, 30, 40)},
    ):
        given = read_given(PHOTO, HOLE, CompleteOptions(), hint)
        assert given.hint == Box(1, 2, 30, 40)


@pytest.mark.parametrize("name", ["absent.png", "x" * 300, "no\0name", ""])
def test_a_name_of_no_file_and_no_shape_is_refused(name):
    with pytest.raises(MaskError, match="cannot be read"):
        read(name)


def test_a_shape_is_of_the_face_unless_a_file_has_its_name(tmp_path, monkeypatch):
    assert (read("center").hole, read("center").shape) == (None, "center")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "center").write_bytes(b"no picture")
    with pytest.raises(MaskError, match="center cannot be read"):
        read("center")
