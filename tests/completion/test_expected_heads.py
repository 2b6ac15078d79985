"""What is expected of a head where nothing shows it."""

import cv2
import numpy as np
import skimage.data

from facefill.completion.expected_heads import FIELD, expected_head, head_map

CROP = 64
SIDE = 6 * CROP
MIDDLE = (SIDE - 1) / 2


def torn_photo():
    """The astronaut's head in the middle of a photo, all below her nose gone."""
    to_photo = cv2.getRotationMatrix2D((224, 118), 0, 0.6)
    to_photo[:, 2] += (MIDDLE - 224, MIDDLE - 118)
    photo = cv2.warpAffine(
        skimage.data.astronaut(),
        to_photo,
        (SIDE, SIDE),
        borderMode=cv2.BORDER_REPLICATE,
    )
    known = np.arange(SIDE)[:, None] < MIDDLE + np.zeros((1, SIDE))
    return photo, known


def expected():
    photo, known = torn_photo()
    to_crop = np.array([[1.0, 0.0, 31.5 - MIDDLE], [0.0, 1.0, 31.5 - MIDDLE]])
    return expected_head(photo, known, head_map(to_crop, CROP))


def test_it_is_the_same_whatever_lies_where_nothing_is_known():
    photo, known = torn_photo()
    to_head = head_map(
        np.array([[1.0, 0.0, 31.5 - MIDDLE], [0.0, 1.0, 31.5 - MIDDLE]]), CROP
    )
    changed = np.where(known[..., None], photo, ~photo)
    np.testing.assert_array_equal(
        expected_head(changed, known, to_head), expected_head(photo, known, to_head)
    )


def test_beyond_the_picture_of_a_head_it_is_smoother_with_every_pixel():
    head = expected()
    end = round(MIDDLE + FIELD * CROP / 2)
    rows = [np.abs(np.diff(head[row], axis=0)).mean() for row in (end, end + 25)]
    assert rows[1] < 0.6 * rows[0]
    # And goes on at the level at which the picture ends.
    assert np.abs(head[end + 5] - head[end - 5]).mean() < 12.0


def test_of_next_to_nothing_no_head_is_expected():
    photo, _ = torn_photo()
    known = np.zeros((SIDE, SIDE), bool)
    known[0, 0] = True
    to_crop = np.array([[1.0, 0.0, 31.5 - MIDDLE], [0.0, 1.0, 31.5 - MIDDLE]])
    assert expected_head(photo, known, head_map(to_crop, CROP)) is None
