"""Faces are found as dlib finds them, and a wrong landmark model is refused."""

import pytest

from facefill import detection
from facefill.detection import Box
from facefill.errors import ModelError
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
        detection.find_landmarks(face_photo(), Box(0, 0, 9, 9), "/nowhere/model.dat")


def test_a_damaged_landmark_model_is_refused(tmp_path):
    path = tmp_path / "model.dat"
    path.write_bytes(b"nonsense" * 100)
    with pytest.raises(ModelError, match=r"model\.dat"):
        detection.find_landmarks(face_photo(), Box(0, 0, 9, 9), str(path))


def test_a_model_of_five_landmarks_is_refused():
    path = detection.landmark_model_path().with_name(
        "shape_predictor_5_face_landmarks.dat"
    )
    with pytest.raises(ModelError, match="5 landmarks"):
        detection.find_landmarks(face_photo(), Box(0, 0, 99, 99), str(path))


def test_a_packaged_model_that_was_changed_is_refused(monkeypatch):
    monkeypatch.setattr(detection, "PACKAGED_SHA256", "0" * 64)
    detection.landmark_model_sha256.cache_clear()
    with pytest.raises(ModelError, match="reinstall"):
        detection.landmark_model_sha256()
    detection.landmark_model_sha256.cache_clear()
