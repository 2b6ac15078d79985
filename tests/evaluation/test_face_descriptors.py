"""Descriptors of aligned faces stay close to those of dlib's own chips."""

import os
from itertools import islice
from pathlib import Path

import dlib
import numpy as np
import pytest
from PIL import Image

from facefill.errors import ModelError
from facefill.evaluation import face_descriptors
from facefill.imaging import geometry
from facefill.preparation import detection
from photos import face_photo

# Photos of one person are mostly closer than this, as dlib's author says.
SAME_PERSON = 0.6
SETS = ["innerEyesAndBottomLip", "outerEyesAndNose"]

# Landmarks 17 to 67 of mean_face_shape_x and _y of dlib's interpolation.h.
# fmt: off
MEAN_FACE_X = [
    0.000213256, 0.0752622, 0.18113, 0.29077, 0.393397, 0.586856, 0.689483, 0.799124,
    0.904991, 0.98004, 0.490127, 0.490127, 0.490127, 0.490127, 0.36688, 0.426036,
    0.490127, 0.554217, 0.613373, 0.121737, 0.187122, 0.265825, 0.334606, 0.260918,
    0.182743, 0.645647, 0.714428, 0.793132, 0.858516, 0.79751, 0.719335, 0.254149,
    0.340985, 0.428858, 0.490127, 0.551395, 0.639268, 0.726104, 0.642159, 0.556721,
    0.490127, 0.423532, 0.338094, 0.290379, 0.428096, 0.490127, 0.552157, 0.689874,
    0.553364, 0.490127, 0.42689,
]
MEAN_FACE_Y = [
    0.106454, 0.038915, 0.0187482, 0.0344891, 0.0773906, 0.0773906, 0.0344891,
    0.0187482, 0.038915, 0.106454, 0.203352, 0.307009, 0.409805, 0.515625, 0.587326,
    0.609345, 0.628106, 0.609345, 0.587326, 0.216423, 0.178758, 0.179852, 0.231733,
    0.245099, 0.244077, 0.231733, 0.179852, 0.178758, 0.216423, 0.244077, 0.245099,
    0.780233, 0.745405, 0.727388, 0.742578, 0.727388, 0.745405, 0.780233, 0.864805,
    0.902192, 0.909281, 0.902192, 0.864805, 0.784792, 0.778746, 0.785343, 0.778746,
    0.784792, 0.824182, 0.831803, 0.824182,
]
# fmt: on


def detected(photo):
    (box,) = detection.find_faces(photo)
    return detection.find_landmarks(photo, box)


def as_dlib(landmarks):
    points = dlib.points([dlib.point(int(x), int(y)) for x, y in landmarks])
    return dlib.full_object_detection(dlib.rectangle(0, 0, 9, 9), points)


def test_a_chip_has_the_landmarks_where_dlib_has_them():
    places = np.c_[MEAN_FACE_X, MEAN_FACE_Y]
    known = np.zeros((68, 2))
    known[17:] = 500.0 + 1000.0 * places
    details = dlib.get_face_chip_details(as_dlib(known.round()), 150, 0.25)
    # dlib fits a similarity to the points: of its own mean face, the margin remains.
    assert details.angle == pytest.approx(0.0, abs=1e-3)
    assert details.rect.left() == pytest.approx(250.0, abs=1.0)
    assert details.rect.top() == pytest.approx(250.0, abs=1.0)
    assert details.rect.right() == pytest.approx(1750.0, abs=2.0)
    for landmark_set in SETS:
        chosen = geometry.LANDMARK_INDICES[landmark_set]
        corners = np.c_[geometry.target_points(landmark_set, 64), np.ones(3)]
        found = corners @ face_descriptors.chip_matrix(landmark_set, 64).T
        expected = (known[chosen] - 250.0) / 10.0
        assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("landmark_set", SETS)
def test_a_face_is_described_much_as_dlib_does_from_the_photo(landmark_set):
    photo = np.ascontiguousarray(face_photo())
    landmarks = detected(photo)
    network = face_descriptors._network()
    own = np.array(network.compute_face_descriptor(photo, as_dlib(landmarks)))
    matrix = geometry.affine(landmarks, landmark_set, 64)
    face = geometry.warp(photo, matrix, 64)
    (ours,) = face_descriptors.describe(face[None], landmark_set)
    assert ours.shape == (128,)
    assert np.linalg.norm(ours - own) < 0.4
    (upside_down,) = face_descriptors.describe(face[None, ::-1], landmark_set)
    assert np.linalg.norm(upside_down - own) > 0.6


def test_many_faces_are_described_as_each_alone():
    faces = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    together = face_descriptors.describe(faces)
    for face, found in zip(faces, together, strict=True):
        assert np.array_equal(face_descriptors.describe(face[None])[0], found)
    assert face_descriptors.describe(faces[:0]).shape == (0, 128)


def test_a_model_that_was_changed_is_refused(monkeypatch):
    monkeypatch.setattr(face_descriptors, "PACKAGED_SHA256", "0" * 64)
    face_descriptors._network.cache_clear()
    with pytest.raises(ModelError, match="reinstall"):
        face_descriptors.describe(np.zeros((1, 16, 16, 3), np.uint8))
    face_descriptors._network.cache_clear()


def aligned(paths):
    """Cut the faces out of those photos that have one."""
    faces = []
    for path in paths:
        photo = np.array(Image.open(path).convert("RGB"))
        if len(boxes := detection.find_faces(photo)) == 1:
            landmarks = detection.find_landmarks(photo, boxes[0])
            matrix = geometry.affine(landmarks, SETS[0], 64)
            faces.append(geometry.warp(photo, matrix, 64))
    return faces


@pytest.mark.lfw
def test_people_are_told_apart_at_64_pixels():
    folder = os.environ.get("FACEFILL_LFW")
    if not folder:
        pytest.skip("FACEFILL_LFW does not name Labeled Faces in the Wild")
    people = [path for path in sorted(Path(folder).iterdir()) if path.is_dir()]
    candidates = (
        aligned(photos[:2])
        for person in people
        if len(photos := sorted(person.glob("*.jpg"))) > 1
    )
    pairs = list(islice((pair for pair in candidates if len(pair) == 2), 25))
    found = face_descriptors.describe(np.concatenate(pairs))
    between = np.linalg.norm(found[:, None] - found, axis=-1)
    person = np.arange(len(found)) // 2
    same = between[::2, 1::2].diagonal()
    different = between[person[:, None] != person]
    assert len(pairs) == 25
    assert (same[:, None] < different).mean() > 0.97
    assert (same < SAME_PERSON).mean() > 0.8
    assert (different > SAME_PERSON).mean() > 0.95
