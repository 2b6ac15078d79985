"""The hole that a mask file shows, in all the ways in which editors write it."""

import numpy as np
import pytest
from PIL import Image

from facefill.errors import MaskError
from facefill.imaging.mask_files import face_mask, grown, read_hole, scaled_hole
from facefill.imaging.masks import mask_from_photo, mask_from_square
from photos import face_photo

HOLE = np.zeros((40, 60), bool)
HOLE[10:25, 20:50] = True


def picture(colour, ground):
    return np.where(HOLE[..., None], np.uint8(colour), np.uint8(ground)).astype(
        np.uint8
    )


def layer(colour, under, alpha):
    """Paint the hole in a colour on a layer that is transparent elsewhere."""
    return np.dstack([picture(colour, under), alpha])


OPAQUE = np.where(HOLE, 255, 0).astype(np.uint8)


def photo(height=40, width=60):
    return np.array(Image.fromarray(face_photo()).resize((width, height)))


def write(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_white_on_black_is_the_hole_in_every_mode(tmp_path, mode):
    grey = picture([255] * 3, [0] * 3)[..., 0]
    array = grey.astype(np.uint16) * 257 if mode == "I;16" else grey
    path = write(tmp_path / "m.png", array, None if mode == "I;16" else mode)
    assert np.array_equal(read_hole(path, HOLE.shape), HOLE)


@pytest.mark.parametrize("suffix", ["webp", "tiff", "bmp", "gif", "jpg"])
def test_every_format_is_read(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    path = write(tmp_path / f"m.{suffix}", picture([255] * 3, [0] * 3), **options)
    found = read_hole(path, HOLE.shape)
    # JPEG rings at the border of a rectangle, by less than from black to grey.
    assert np.array_equal(found, HOLE)


@pytest.mark.parametrize("colour", [[255] * 3, [0] * 3, [255, 0, 255], [200, 30, 30]])
@pytest.mark.parametrize("under", [[0] * 3, [255] * 3])
def test_strokes_on_a_transparent_layer_are_the_hole(tmp_path, colour, under):
    path = write(tmp_path / "m.png", layer(colour, under, OPAQUE))
    assert np.array_equal(read_hole(path, HOLE.shape), HOLE)


def test_black_and_white_on_a_layer_are_what_they_are_and_nothing_is_black(tmp_path):
    alpha = OPAQUE.copy()
    alpha[:5] = 255  # visible black
    path = write(tmp_path / "m.png", layer([255] * 3, [0] * 3, alpha))
    assert np.array_equal(read_hole(path, HOLE.shape), HOLE)


@pytest.mark.parametrize("under", [0, 255])
def test_a_photo_whose_hole_was_erased_misses_what_was_erased(tmp_path, under):
    pixels = np.where(HOLE[..., None], np.uint8(under), photo())
    path = write(tmp_path / "m.png", np.dstack([pixels, 255 - OPAQUE]))
    assert np.array_equal(read_hole(path, HOLE.shape), HOLE)


def test_the_other_polarity_turns_every_kind_round(tmp_path):
    path = write(tmp_path / "m.png", picture([255] * 3, [0] * 3))
    assert np.array_equal(read_hole(path, HOLE.shape, "white_is_known"), ~HOLE)


@pytest.mark.parametrize("colour", [[255] * 3, [0] * 3, [255, 0, 255]])
def test_the_painted_photo_as_its_own_mask_is_refused_with_the_cure(tmp_path, colour):
    path = write(
        tmp_path / "m.png", np.where(HOLE[..., None], colour, photo()).astype("u1")
    )
    with pytest.raises(
        MaskError, match=r"m\.png .*white on black.*complete\.hole_from"
    ):
        read_hole(path, HOLE.shape)


@pytest.mark.parametrize(("value", "colour"), [(0, "white"), (255, "black")])
def test_a_mask_that_hides_nothing_is_refused(tmp_path, value, colour):
    path = write(tmp_path / "m.png", np.full((40, 60), value, np.uint8))
    polarity = "white_is_hole" if colour == "white" else "white_is_known"
    with pytest.raises(MaskError, match=f"no {colour} pixel"):
        read_hole(path, HOLE.shape, polarity)


def test_a_mask_of_half_the_size_is_scaled_with_a_warning(tmp_path, caplog):
    path = write(tmp_path / "m.png", picture([255] * 3, [0] * 3))
    found = read_hole(path, (80, 120))
    assert "m.png is 60x40, its photo 120x80 pixels; it is scaled" in caplog.text
    assert np.array_equal(found, HOLE.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("size", [(41, 70), (60, 40), (40, 64)])
def test_a_mask_of_other_proportions_is_refused(tmp_path, size):
    path = write(tmp_path / "m.png", picture([255] * 3, [0] * 3))
    with pytest.raises(MaskError, match=rf"60x40, its photo {size[1]}x{size[0]}"):
        read_hole(path, size)


def test_proportions_are_those_of_whole_pixels():
    assert scaled_hole(np.ones((667, 1000), bool), (2000, 3000), "it").shape == (
        2000,
        3000,
    )


def test_the_limits_are_those_of_photos(tmp_path):
    path = write(tmp_path / "m.png", picture([255] * 3, [0] * 3))
    with pytest.raises(MaskError, match="too_many_pixels"):
        read_hole(path, HOLE.shape, max_pixels=2399)
    with pytest.raises(MaskError, match="too_many_bytes"):
        read_hole(path, HOLE.shape, max_bytes=10)


def test_what_cannot_be_opened_is_an_error_of_the_mask(tmp_path):
    (tmp_path / "folder.png").mkdir()
    for name in ("folder.png", "absent.png"):
        with pytest.raises(MaskError, match="cannot be read"):
            read_hole(tmp_path / name, HOLE.shape)


def test_a_mask_turned_by_its_orientation_is_turned_with_its_photo(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    array = np.rot90(layer([255] * 3, [0] * 3, OPAQUE)).copy()
    path = write(tmp_path / "m.png", array, exif=exif)
    assert np.array_equal(read_hole(path, HOLE.shape), HOLE)


def test_a_hole_grows_by_a_disc():
    hole = np.zeros((11, 11), bool)
    hole[5, 5] = True
    assert grown(hole, 0) is hole
    found = grown(hole, 3)
    assert found[5, 2:9].all()
    assert found[2, 5]
    assert not found[5, 1]
    assert not found[2, 2]


def test_a_face_is_sampled_or_is_a_square_of_the_photo():
    hole = np.zeros((32, 48), bool)
    hole[5, 13] = True
    matrix = np.array([[0.5, 0, 0], [0, 0.5, 0]])
    sampled, square = face_mask(hole, matrix, 16), face_mask(hole, None, 16)
    assert np.array_equal(sampled, mask_from_photo(hole, matrix, 16))
    assert np.array_equal(square, mask_from_square(hole, 16))
    # The middle square begins at column 8.
    assert np.argwhere(~square).tolist() == [[2, 2]]
    assert not sampled[2:4, 6:8].any()
