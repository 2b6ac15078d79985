"""What dlib is shown of a face that a hole reaches into."""

import cv2
import numpy as np
import pytest

from facefill.imaging import geometry
from facefill.parameters import AlignOptions
from facefill.preparation import detection, face_prior
from facefill.preparation.damaged_face import DamagedFace
from facefill.preparation.extraction import extract, landmark_model
from facefill.preparation.hole_filling import inpainted
from photos import face_photo

OPTIONS = AlignOptions()


@pytest.fixture
def shown(monkeypatch):
    """Pictures in which landmarks were placed."""
    pictures = []
    place = detection.find_landmarks

    def placed(picture, box, model):
        pictures.append(picture)
        return place(picture, box, model)

    monkeypatch.setattr(detection, "find_landmarks", placed)
    return pictures


def steps_across(picture, hole):
    """How far a hole's outermost pixels are off the mean of what they touch, (N, 3)."""
    reach = np.ones((3, 3), np.uint8)
    around = cv2.dilate(hole.astype(np.uint8), reach).astype(bool) & ~hole
    within = hole & (cv2.erode(hole.astype(np.uint8), reach) == 0)
    shares = cv2.blur(around.astype(np.float32), (5, 5))
    sums = cv2.blur(np.where(around[..., None], picture, 0).astype(np.float32), (5, 5))
    return picture[within] - sums[within] / shares[within][:, None]


def mouth_of(face, shape):
    """Hole over the mouth of a face, bool."""
    left, top = face.landmarks[48:60].min(axis=0) - 6
    right, bottom = face.landmarks[48:60].max(axis=0) + 6
    hole = np.zeros(shape[:2], bool)
    hole[top:bottom, left:right] = True
    return hole


def test_hidden_landmarks_are_where_the_visible_ones_and_the_network_have_them():
    photo = face_photo()
    (face,) = extract(photo, OPTIONS, 64).faces
    hole = mouth_of(face, photo.shape)
    damaged = DamagedFace(
        inpainted(photo, hole), hole, face.box, landmark_model(OPTIONS)
    )
    # The network has the mouth too low, by a tenth of the face.
    side = np.ptp(face.landmarks[:, 0])
    hidden = np.zeros(68, bool)
    hidden[48:] = True
    read = damaged.read + np.where(hidden, 0.1 * side, 0.0)[:, None] * (0.0, 1.0)
    found = damaged.settle(damaged.read).landmarks
    lower = damaged.settle(read).landmarks

    def expected(visible, of_hidden):
        prior = face_prior.load()
        points = np.where(hidden[:, None], of_hidden, visible)
        deviations = np.where(hidden, 0.03, 0.012)
        target = prior.mean_points
        for _ in range(20):
            frame = geometry.similarity(points, target, deviations**-2)
            target = prior.landmarks_by(geometry.applied(frame, points), deviations)
        return geometry.applied(geometry.inverted(frame), target)

    for landmarks, by_network in ((found, damaged.read), (lower, read)):
        apart = landmarks - expected(landmarks, by_network)
        assert np.abs(apart)[hidden].max() < 0.01 * side
    moved = (lower - found)[hidden, 1].mean()
    assert 0.05 * side < moved < 0.095 * side
    # They are where they were, in a face that was intact.
    assert np.abs(found - face.landmarks)[hidden].mean() < 0.05 * side


def test_what_dlib_sees_in_the_hole_has_the_colours_and_the_level_of_what_is_around_it(
    shown,
):
    # A shadow, of which a model of faces knows little.
    photo = face_photo()
    photo = (photo * np.linspace(1.0, 0.4, photo.shape[1])[:, None]).astype(np.uint8)
    (face,) = extract(photo, OPTIONS, 64).faces
    hole = mouth_of(face, photo.shape)
    shown.clear()
    damaged = DamagedFace(
        inpainted(photo, hole), hole, face.box, landmark_model(OPTIONS)
    )
    assert damaged.settle(damaged.read) is not None
    assert shown
    for picture in shown:
        steps = steps_across(picture, damaged._hole)
        assert np.abs(steps).mean() < 4.0
