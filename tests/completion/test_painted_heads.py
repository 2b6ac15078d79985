"""What a hole hides of a head is painted from what is known of it."""

import cv2
import numpy as np

from facefill.completion import painted_heads
from facefill.completion.expected_heads import expected_head
from facefill.completion.head_pictures import SIDE, head_map, head_picture, resized
from facefill.completion.painted_heads import painted_head
from facefill.imaging.geometry import applied, composed
from heads import SIZE, torn_photo


def painted():
    photo, known, to_crop = torn_photo()
    return painted_head(photo, known, ~known, head_map(to_crop, SIZE))


def test_it_is_the_same_whatever_lies_where_nothing_is_known():
    photo, known, to_crop = torn_photo()
    changed = np.where(known[..., None], photo, ~photo)
    other = painted_head(changed, known, ~known, head_map(to_crop, SIZE))
    np.testing.assert_array_equal(other, painted())


def test_it_is_sharper_than_what_is_expected():
    photo, known, to_crop = torn_photo()
    to_head = head_map(to_crop, SIZE)
    picture, seen = head_picture(photo, known, to_head)
    made, _ = head_picture(painted(), np.ones_like(known), to_head)
    expected = resized(expected_head(picture, seen), SIDE)
    details = [
        np.abs(cv2.Laplacian(each.astype(np.float32), -1))[~seen].mean()
        for each in (made, expected)
    ]
    assert details[0] > 2.0 * details[1]


def test_known_pixels_are_about_where_they_were():
    photo, known, to_crop = torn_photo()
    to_head = head_map(to_crop, SIZE)
    rows, columns = np.nonzero(known)
    places = applied(to_head, np.stack([columns, rows], axis=1).astype(float))
    inside = ((places > 4) & (places < SIDE - 5)).all(axis=1)
    shown = rows[inside], columns[inside]
    made, right = painted().astype(int), np.roll(photo, 1, axis=1)
    here, beside = (
        np.abs(made[shown] - other[shown]).mean() for other in (photo, right)
    )
    # It is sampled twice, so that edges are softer, but not elsewhere.
    assert here < 4.0
    assert beside > 1.5 * here


def test_a_photo_of_more_pixels_has_finer_detail(monkeypatch):
    photo, known, to_crop = torn_photo()
    large = cv2.resize(photo, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    seen = np.repeat(np.repeat(known, 2, axis=0), 2, axis=1)
    halves = np.array([[0.5, 0.0, -0.25], [0.0, 0.5, -0.25]])
    to_head = composed(head_map(to_crop, SIZE), halves)
    details = []
    for largest in (SIDE, 4 * SIDE):
        monkeypatch.setattr(painted_heads, "_LARGEST_SIDE", largest)
        made = painted_head(large, seen, ~seen, to_head)
        made = made[310:440, 270:620].astype(np.float32)
        details.append(np.abs(cv2.Laplacian(made, -1)).mean())
    assert details[1] > 1.5 * details[0]


def test_of_a_small_face_no_pixel_of_its_head_is_left_out():
    photo, known, to_crop = torn_photo()
    small = cv2.resize(photo, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    to_head = composed(
        head_map(to_crop, SIZE), np.array([[4.0, 0.0, 1.5], [0.0, 4.0, 1.5]])
    )
    seen = known[::4, ::4]
    made = painted_head(small, seen, ~seen, to_head).astype(int)
    shown = np.s_[4:36, 36:76]
    assert np.abs(made[shown] - small[shown]).mean() < 6.0


def test_of_next_to_nothing_no_head_is_painted():
    photo, known, to_crop = torn_photo()
    nothing = np.zeros_like(known)
    nothing[:2, :2] = True
    assert painted_head(photo, nothing, ~nothing, head_map(to_crop, SIZE)) is None
