"""What is wrong with an aligned face is measured rightly, and told apart."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facefill.parameters import AlignOptions
from facefill.preparation.quality import (
    BLUR_SIGMA,
    colourfulness,
    eye_distance,
    fault,
    is_singular,
    share_inside,
    sharpness,
    stretch,
)
from photos import face_photo, noise

OPTIONS = AlignOptions(min_eye_distance=10.0, max_stretch=3.0, min_inside=0.5)
EYES = np.array([(0.0, 0.0), (4.0, 0.0), (30.0, 40.0), (34.0, 40.0)])
WHOLE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def moved(matrix, right):
    return matrix + np.array([(0.0, 0.0, right), (0.0, 0.0, 0.0)])


def turned(angle, along=1.0, across=1.0):
    """Enlarge along a line at an angle, and across it."""
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    linear = turn.T @ np.diag([along, across]) @ turn
    return np.column_stack([linear, [3.0, -2.0]])


@given(st.floats(0.0, 3.0), st.floats(0.1, 10.0), st.floats(0.1, 10.0))
def test_stretch_is_the_ratio_of_the_two_enlargements(angle, along, across):
    expected = max(along, across) / min(along, across)
    # The condition number, 100 at most, times the precision of float64.
    assert stretch(turned(angle, along, across)) == pytest.approx(expected, rel=1e-9)


def test_the_eyes_are_as_far_apart_as_their_middles():
    assert eye_distance(EYES) == 50.0


@settings(deadline=None)
@given(
    st.floats(0.0, 3.0),
    st.floats(0.3, 3.0),
    st.floats(-60.0, 60.0),
    st.floats(-60.0, 60.0),
)
def test_the_share_inside_is_that_of_points_that_fall_into_the_photo(
    angle, scale, x, y
):
    matrix = turned(angle, scale, scale)
    matrix[:, 2] = x, y
    size, height, width, per_pixel = 32, 30, 50, 4
    steps = np.arange(size * per_pixel)
    places = (steps + 0.5) / per_pixel - 0.5
    points = np.stack(np.meshgrid(places, places)).reshape(2, -1)
    column, row = np.linalg.solve(matrix[:, :2], points - matrix[:, 2:])
    inside = (abs(column + 0.5 - width / 2) < width / 2) & (
        abs(row + 0.5 - height / 2) < height / 2
    )
    # Each of the photo's four edges is followed to a sub-pixel's width.
    tolerance = 4 * 1.5 / (size * per_pixel)
    share = share_inside(matrix, (height, width), size)
    assert share == pytest.approx(inside.mean(), abs=tolerance)


def test_a_crop_that_is_the_photo_is_wholly_inside_and_one_elsewhere_not_at_all():
    assert share_inside(WHOLE, (64, 64), 64) == pytest.approx(1.0)
    assert share_inside(WHOLE, (64, 32), 64) == pytest.approx(0.5)
    assert share_inside(moved(WHOLE, 500.0), (64, 64), 64) == 0.0


@pytest.mark.parametrize(
    ("corners", "matrix", "reason"),
    [
        (EYES, WHOLE, ""),
        (EYES * 0.19, WHOLE, "too_small"),
        (EYES * 0.21, WHOLE, ""),
        (EYES, turned(1.0, 3.1, 1.0), "stretched"),
        (EYES, turned(1.0, 2.9, 1.0), ""),
        (EYES, moved(WHOLE, 33.0), "beyond_edge"),
        (EYES, moved(WHOLE, 31.0), ""),
    ],
)
def test_each_fault_has_its_reason_on_the_far_side_of_its_limit(
    corners, matrix, reason
):
    # Enlarged maps show a part of the photo, so that nothing is beyond its edge.
    size = 64 if matrix[0, 1] == 0.0 else 16
    assert fault(corners, matrix, (64, 64), size, OPTIONS) == reason


def test_limits_can_be_lifted():
    anything = AlignOptions(min_eye_distance=0.0, max_stretch=1e9, min_inside=0.0)
    matrix = moved(turned(0.5, 1e-3, 1e3), 9e5)
    assert fault(EYES * 1e-6, matrix, (64, 64), 64, anything) == ""


@pytest.mark.parametrize(
    "matrix", [np.full((2, 3), np.nan), np.ones((2, 3)), WHOLE * 1e-6]
)
def test_a_map_onto_a_line_or_a_point_is_none(matrix):
    assert is_singular(matrix)
    assert not is_singular(WHOLE)


@pytest.mark.parametrize("frequency", [1, 3, 6])
def test_the_sharpness_of_a_wave_is_what_a_gaussian_leaves_of_it(frequency):
    size, amplitude = 64, 100.0
    angle = 2.0 * np.pi * frequency * np.arange(size) / size
    wave = np.rint(128 + amplitude * np.cos(angle)).astype(np.uint8)
    crop = np.broadcast_to(wave[:, None, None], (size, size, 3)).copy()
    passed = np.exp(-0.5 * (BLUR_SIGMA * 2.0 * np.pi * frequency / size) ** 2)
    inner = np.cos(angle[12:52]) * amplitude * (1.0 - passed)
    # Levels are rounded, which is noise of a twelfth; the kernel is cut off at its end.
    assert sharpness(crop) == pytest.approx(np.square(inner).mean(), rel=0.05, abs=0.1)


def test_sharpness_is_of_the_middle_and_of_detail_alone():
    flat = np.full((64, 64, 3), 40, np.uint8)
    assert sharpness(flat) == 0.0
    framed = flat.copy()
    framed[:6] = noise(6, 64)
    assert sharpness(framed) == 0.0
    face = np.ascontiguousarray(face_photo()[60:188, 40:168])
    blurred = cv2.GaussianBlur(face, (0, 0), 2.0)
    assert sharpness(face) > 5 * sharpness(blurred) > 0.0


def test_colourfulness_is_that_of_the_paper_in_closed_form():
    crop = np.zeros((4, 4, 3), np.uint8)
    crop[:2] = 200, 100, 50
    crop[2:] = 100, 100, 100
    # rg is 100 and 0, yb is 100 and 0: each has mean 50 and deviation 50.
    assert colourfulness(crop) == pytest.approx(1.3 * 50.0 * np.sqrt(2.0))
    assert colourfulness(noise(8, 8)[..., :1].repeat(3, axis=-1)) == 0.0
    tinted = np.full((4, 4, 3), (80, 60, 40), np.uint8)
    assert colourfulness(tinted) == pytest.approx(0.3 * np.hypot(20.0, 30.0))
