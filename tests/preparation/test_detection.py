"""Faces are found as dlib finds them, and a wrong landmark model is refused."""

import cv2
import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.imaging.geometry import LANDMARK_INDICES
from facefill.preparation import detection
from facefill.preparation.detection import Box, LandmarkModel
from photos import face_photo, noise


def test_the_one_face_of_a_photo_is_found():
    (box,) = detection.find_faces(face_photo())
    landmarks = detection.find_landmarks(face_photo(), box)
    left_eye, right_eye, chin = landmarks[36], landmarks[45], landmarks[8]
    assert left_eye[0] < right_eye[0]
    assert chin[1] > max(left_eye[1], right_eye[1])


def test_noise_holds_no_face():
    assert detection.find_faces(noise(100, 100)) == []


def test_the_largest_face_comes_first_and_equals_as_they_were_found():
    small, first, second = Box(0, 0, 9, 9), Box(5, 5, 24, 14), Box(0, 0, 9, 19)
    assert detection.by_size([small, first, second]) == [first, second, small]
    assert detection.by_size([second, first, small]) == [second, first, small]


def test_a_landmark_model_that_is_not_there_is_named():
    with pytest.raises(ModelError, match=r"/nowhere/model\.dat"):
        detection.find_landmarks(
            face_photo(), Box(0, 0, 9, 9), LandmarkModel("/nowhere/model.dat")
        )


def test_a_damaged_landmark_model_is_refused(tmp_path):
    path = tmp_path / "model.dat"
    path.write_bytes(b"nonsense" * 100)
    with pytest.raises(ModelError, match=r"model\.dat"):
        detection.find_landmarks(
            face_photo(), Box(0, 0, 9, 9), LandmarkModel(str(path))
        )


def test_a_model_of_five_landmarks_is_refused():
    path = detection.landmark_model_path().with_name(
        "shape_predictor_5_face_landmarks.dat"
    )
    with pytest.raises(ModelError, match="5 landmarks"):
        detection.find_landmarks(
            face_photo(), Box(0, 0, 99, 99), LandmarkModel(str(path))
        )


def test_a_packaged_model_that_was_changed_is_refused(monkeypatch):
    monkeypatch.setattr(detection, "PACKAGED_SHA256", {68: "0" * 64})
    detection.landmark_model_sha256.cache_clear()
    with pytest.raises(ModelError, match="reinstall"):
        detection.landmark_model_sha256()
    detection.landmark_model_sha256.cache_clear()


def test_the_five_points_are_eye_corners_and_the_base_of_the_nose():
    (box,) = detection.find_faces(face_photo())
    of_68 = detection.find_landmarks(face_photo(), box)
    five = detection.find_landmarks(face_photo(), box, LandmarkModel(None, 5))
    distances = np.linalg.norm(five - of_68[LANDMARK_INDICES["five_point"]], axis=1)
    # The corners of an eye are 14 pixels apart.
    assert distances.max() < 5


def photo_of_width(width):
    return cv2.resize(face_photo(), (width, width), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("width", [80, 110, 220, 900])
def test_the_fast_search_finds_the_face_in_a_photo_of_any_size(width):
    photo = photo_of_width(width)
    (exact,) = detection.find_faces(photo, 1)
    (fast,) = detection.find_faces_fast(photo, 1)
    # A step of the detector's pyramid is a sixth of the face.
    tolerance = (exact.right - exact.left) / 6
    assert np.abs(np.array(fast) - exact).max() <= tolerance


@pytest.fixture
def searches(monkeypatch):
    """Note the size of each picture that is searched, and how often it is doubled."""
    noted = []
    find = detection.find_faces

    def noting(photo, upsample):
        noted.append((photo.shape[1], photo.shape[0], upsample))
        return find(photo, upsample)

    monkeypatch.setattr(detection, "find_faces", noting)
    return noted


@pytest.mark.parametrize(
    ("upsample", "every", "expected"),
    [
        (0, False, [(160, 80, 0), (640, 320, 0), (800, 400, 0)]),
        (1, False, [(160, 80, 0), (640, 320, 0), (640, 320, 1), (800, 400, 1)]),
        (1, True, [(640, 320, 1), (800, 400, 1)]),
    ],
)
def test_the_fast_search_grows_and_ends_with_what_was_asked_for(
    searches, upsample, every, expected
):
    blank = np.zeros((400, 800, 3), np.uint8)
    assert detection.find_faces_fast(blank, upsample, every=every) == []
    assert searches == expected


def test_the_fast_search_does_nothing_twice_and_stops_at_a_face(searches):
    assert detection.find_faces_fast(noise(100, 90), 1) == []
    assert searches == [(90, 100, 0), (90, 100, 1)]
    searches.clear()
    assert len(detection.find_faces_fast(face_photo(), 1)) == 1
    assert searches == [(160, 160, 0)]


def test_the_fast_search_sees_small_faces_beside_a_large_one_if_asked():
    photo = np.zeros((700, 1000, 3), np.uint8)
    photo[:660, :660] = cv2.resize(face_photo(), (660, 660))
    photo[200:380, 780:960] = photo_of_width(180)
    assert len(detection.find_faces_fast(photo)) == 1
    assert len(detection.find_faces_fast(photo, every=True)) == 2


def test_each_landmark_model_is_built_once():
    (box,) = detection.find_faces(face_photo())
    detection._predictor.cache_clear()
    for _ in range(3):
        for model in (LandmarkModel(None, 68), LandmarkModel(None, 5)):
            detection.find_landmarks(face_photo(), box, model)
    assert detection._predictor.cache_info().misses == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_pixels_in_a_row_of_one_are_laid_out_as_dlib_wants_them(shape):
    photo = np.zeros((*shape, 4), np.uint8)[:, :, :3]
    assert detection.find_faces(photo) == []
    assert detection.find_landmarks(photo, detection.Box(0, 0, 9, 9)).shape == (68, 2)
