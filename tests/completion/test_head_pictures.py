"""Pictures of heads lie about the middles of their faces' crops."""

import cv2
import numpy as np
import pytest

from facefill.completion.head_pictures import (
    FIELD,
    SIDE,
    head_map,
    head_picture,
    resized,
    shrunk,
)
from facefill.imaging.geometry import applied
from photos import noise

SIZE = 64
TO_CROP = cv2.getRotationMatrix2D((200.0, 150.0), 20.0, 0.5)
TO_CROP[:, 2] += (SIZE - 1) / 2 - np.array((200.0, 150.0))
EVERYTHING = np.ones((SIDE, SIDE), np.bool_)


def smooth():
    return cv2.GaussianBlur(noise(SIDE, SIDE), (0, 0), 12.0)


def test_the_middle_of_a_crop_is_the_middle_of_its_heads_picture():
    to_head, middle = head_map(TO_CROP, SIZE), np.array([[(SIZE - 1) / 2] * 2])
    back = cv2.invertAffineTransform(TO_CROP)
    shown = applied(to_head, applied(back, middle))
    np.testing.assert_allclose(shown, [[(SIDE - 1) / 2] * 2])


def test_a_picture_of_a_head_shows_so_many_sides_of_the_crop():
    to_head = head_map(TO_CROP, SIZE)
    ratio = np.linalg.det(TO_CROP[:, :2]) / np.linalg.det(to_head[:, :2])
    assert ratio**0.5 * SIDE / SIZE == pytest.approx(FIELD)


def test_unknown_pixels_are_not_read():
    photo, known = noise(300, 300), noise(300, 300)[..., 0] > 90
    to_head = head_map(TO_CROP, SIZE)
    one, two = (
        head_picture(np.where(known[..., None], photo, paint), known, to_head)
        for paint in (np.uint8(0), np.uint8(255))
    )
    assert 0.2 < one[1].mean() < 1.0
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_what_was_shrunk_is_itself_once_it_is_enlarged():
    picture = smooth()
    small, known = shrunk(picture, EVERYTHING, 40)
    assert known.all()
    inside = np.s_[4:-4, 4:-4]
    back = resized(small, SIDE)[inside].astype(int)
    assert np.abs(back - picture[inside]).max() <= 3


def test_a_shrunk_pixel_is_known_if_half_of_it_is():
    known = EVERYTHING.copy()
    known[:, SIDE // 2 :] = False
    _, seen = shrunk(smooth(), known, 32)
    assert seen[:, :16].all()
    assert not seen[:, 16:].any()
