"""Paint on a small picture becomes the hole of a large photo."""

import numpy as np
import pytest

from facefill.app.drawing import (
    MAX_SIDE,
    painted_hole,
    shown,
    with_faces,
    write_mask,
)
from facefill.errors import MaskError
from facefill.imaging.mask_files import read_hole
from facefill.preparation.detection import Box
from facefill.preparation.extraction import Extraction, Face
from photos import noise


def layer(shape, *rectangles, opacity=255):
    pixels = np.zeros((*shape, 4), np.uint8)
    for rows, columns in rectangles:
        pixels[rows, columns] = [255, 0, 140, opacity]
    return pixels


def test_paint_is_the_hole_of_a_photo_of_any_size():
    paint = layer((30, 40), (slice(6, 12), slice(10, 20)))

    hole = painted_hole([paint], (300, 400))

    expected = np.zeros((300, 400), bool)
    expected[60:120, 100:200] = True
    assert np.array_equal(hole, expected)


def test_a_stroke_of_one_pixel_stays_whole_in_a_larger_photo():
    paint = layer((10, 100), (slice(5, 6), slice(0, 100)))

    hole = painted_hole([paint], (37, 370))

    assert hole.any(axis=0).all()


def test_layers_add_up_and_what_is_all_but_transparent_counts_as_nothing():
    one = layer((8, 8), (slice(0, 2), slice(0, 2)))
    other = layer((8, 8), (slice(6, 8), slice(6, 8)))
    faint = layer((8, 8), (slice(2, 6), slice(2, 6)), opacity=20)

    hole = painted_hole([one, other, faint], (8, 8))

    assert hole.sum() == 8
    assert hole[0, 0]
    assert hole[7, 7]


@pytest.mark.parametrize("layers", [[], [layer((8, 8))]])
def test_no_paint_is_an_error(layers):
    with pytest.raises(MaskError, match="nothing is painted"):
        painted_hole(layers, (8, 8))


def test_the_mask_file_says_the_same_hole(tmp_path):
    hole = np.zeros((50, 70), bool)
    hole[10:20, 30:55] = True

    path = write_mask(hole, tmp_path / "ann-mask.png")

    assert np.array_equal(read_hole(path, (50, 70)), hole)


def test_what_is_shown_is_no_larger_than_a_browser_likes():
    small, large = noise(40, 30), noise(1500, 3000)

    assert shown(small) is small
    assert shown(large).shape == (MAX_SIDE // 2, MAX_SIDE, 3)
    assert shown(noise(1, 5000)).shape == (1, MAX_SIDE, 3)


def test_box_landmarks_and_hole_are_drawn_where_they_are():
    photo = np.full((2048, 2048, 3), 90, np.uint8)
    landmarks = np.array([[1000, 1400], [1200, 1400]])
    face = Face("", Box(800, 1000, 1400, 1600), landmarks, None, None)
    hole = np.zeros((2048, 2048), bool)
    hole[200:400, 200:400] = True

    drawn = with_faces(photo, Extraction(1, "", [face]), hole)

    assert drawn.shape == (1024, 1024, 3)
    changed = (drawn != 90).any(axis=-1)
    assert changed[500, 400]  # corner of the box
    assert changed[800, 700]
    assert changed[700, 500]  # a landmark
    assert changed[100, 100]  # edge of the hole
    assert not changed[150, 150]  # its middle
    assert not changed[650, 450]


def test_a_photo_without_a_face_is_shown_as_it_is():
    photo = noise(64, 64)

    drawn = with_faces(photo, Extraction(0, "no_face", []))

    assert np.array_equal(drawn, photo)
    assert drawn is not photo
