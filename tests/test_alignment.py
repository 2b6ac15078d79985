"""The affine map and the crop are those of OpenFace."""

import os
from functools import cache
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facefill import alignment, detection
from photos import face_photo

# Places of the three landmarks as shares of the crop's side, worked out from
# OpenFace's mean face by hand, to five digits.
OPENFACE = {
    "innerEyesAndBottomLip": (
        [39, 42, 57],
        [(0.36378, 0.17795), (0.61896, 0.17278), (0.50020, 0.75058)],
    ),
    "outerEyesAndNose": (
        [36, 45, 33],
        [(0.19416, 0.16927), (0.78886, 0.15817), (0.49495, 0.51444)],
    ),
}


@cache
def dlib_models():
    model = dlib.shape_predictor(str(detection.landmark_model_path()))
    return dlib.get_frontal_face_detector(), model


def aligned_by_openface(photo, landmark_set, size):
    """Align as OpenFace's align_dlib.py does, straight with dlib and OpenCV."""
    indices, places = OPENFACE[landmark_set]
    detector, model = dlib_models()
    boxes = detector(photo, 1)
    if not boxes:
        return None
    box = max(boxes, key=lambda found: found.width() * found.height())
    points = np.float32([(part.x, part.y) for part in model(photo, box).parts()])
    targets = np.float32(places) * size
    matrix = cv2.getAffineTransform(points[indices], targets)
    return cv2.warpAffine(photo, matrix, (size, size))


def aligned_by_us(photo, landmark_set, size):
    box = detection.by_size(detection.find_faces(photo))[0]
    landmarks = detection.find_landmarks(photo, box)
    matrix = alignment.affine(landmarks, landmark_set, size)
    return alignment.warp(photo, matrix, size)


def assert_same_crop(ours, reference):
    # Places of five digits move a crop of 128 pixels by less than 0.001 pixels,
    # which OpenCV's steps of 1/32 pixel can turn into a few grey levels.
    difference = np.abs(ours.astype(int) - reference)
    assert difference.mean() < 0.2
    assert difference.max() <= 8


@pytest.mark.parametrize("size", [64, 128])
@pytest.mark.parametrize("landmark_set", OPENFACE)
def test_a_face_is_cut_out_as_openface_does(landmark_set, size):
    photo = np.ascontiguousarray(face_photo())
    reference = aligned_by_openface(photo, landmark_set, size)
    assert_same_crop(aligned_by_us(photo, landmark_set, size), reference)


@pytest.mark.lfw
@pytest.mark.skipif("FACEFILL_LFW" not in os.environ, reason="FACEFILL_LFW is not set")
def test_faces_of_lfw_are_cut_out_as_openface_does():
    paths = sorted(Path(os.environ["FACEFILL_LFW"]).rglob("*.jpg"))[::1000]
    assert paths
    for path in paths:
        photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        reference = aligned_by_openface(photo, "innerEyesAndBottomLip", 64)
        if reference is not None:
            assert_same_crop(
                aligned_by_us(photo, "innerEyesAndBottomLip", 64), reference
            )


COORDINATES = st.integers(-200, 2000)


@settings(deadline=None)
@given(
    st.lists(st.tuples(COORDINATES, COORDINATES), min_size=68, max_size=68),
    st.sampled_from(sorted(OPENFACE)),
    st.sampled_from([16, 64, 128]),
)
def test_the_three_landmarks_arrive_at_their_places(points, landmark_set, size):
    indices, places = OPENFACE[landmark_set]
    chosen = np.array(points, float)[indices]
    sides = chosen[1:] - chosen[0]
    if abs(np.linalg.det(sides)) < 100:  # almost on one line
        return
    matrix = alignment.affine(points, landmark_set, size)
    arrived = np.column_stack([chosen, np.ones(3)]) @ matrix.T
    # Five digits of the places, and float64 arithmetic with coordinates to 2000.
    assert np.allclose(arrived, np.array(places) * size, atol=1e-5 * size + 1e-3)


def test_landmarks_of_another_model_are_refused():
    with pytest.raises(ValueError, match="68"):
        alignment.affine(np.zeros((5, 2)), "outerEyesAndNose", 64)


def test_the_crop_is_bilinear_and_black_outside_the_photo():
    photo = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    half_right = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]])
    crop = alignment.warp(photo, half_right, 24)
    between = (photo[:, :-1].astype(int) + photo[:, 1:]) / 2
    assert np.abs(crop[:20, 1:20] - between).max() <= 1
    assert not crop[20:].any()
    assert not crop[:, 21:].any()
