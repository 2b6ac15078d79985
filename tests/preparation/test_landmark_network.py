"""The landmark network follows the face, sees no paint, and reads its own file only."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.imaging import geometry
from facefill.imaging.photos import decode_photo
from facefill.parameters import AlignOptions
from facefill.preparation import face_prior, landmark_network
from facefill.preparation.extraction import extract
from facefill.preparation.landmark_network import (
    MIRRORED,
    SIDE,
    LandmarkNetwork,
    network_input,
)

PORTRAITS = Path(__file__).parents[2] / "data/demo/01_raw/photos"


@cache
def portrait(number):
    photo = decode_photo((PORTRAITS / f"face-{number:04d}.jpg").read_bytes())
    (face,) = extract(photo, AlignOptions(), 64).faces
    return photo.astype(np.float32), face


def everything(picture):
    return np.ones(picture.shape[:2], np.float32)


def rough_map(face):
    return face_prior.load().frame_of(face.box)


def distances(points, face):
    """Measure how far points are from dlib's, in pixels of 64 a crop."""
    offsets = (points - face.landmarks) @ face.matrix[:, :2].T
    return np.linalg.norm(offsets, axis=1)


@pytest.mark.parametrize("number", [4, 27, 105, 214])
def test_it_places_the_landmarks_of_an_intact_face_like_dlib(number):
    picture, face = portrait(number)
    network = landmark_network.load()
    reading = network.settle(picture, everything(picture), rough_map(face))
    # Beside the jaw, of which each point lies anywhere along an edge.
    assert distances(reading.points, face)[17:].mean() < 2.0


@pytest.mark.parametrize("number", [4, 27, 105, 214])
def test_it_places_hidden_landmarks_better_than_a_mean_face_does(number):
    picture, face = portrait(number)
    mouth = np.arange(68) >= 48
    left, top = face.landmarks[mouth].min(0) - 6
    right, bottom = face.landmarks[mouth].max(0) + 6
    known = everything(picture)
    known[top : bottom + 1, left : right + 1] = 0.0
    reading = landmark_network.load().settle(picture, known, rough_map(face))
    assert distances(reading.points, face)[mouth].mean() < 4.0
    # By the detector's box alone, which is all that a mean face has to go by:
    prior = face_prior.load()
    inverse = np.linalg.inv(np.vstack([rough_map(face), (0, 0, 1)]))[:2]
    mean = geometry.applied(inverse, prior.mean_points)
    ours, theirs = distances(reading.points, face), distances(mean, face)
    assert ours[~mouth].mean() < 0.6 * theirs[~mouth].mean()


@pytest.mark.parametrize("shift", [(9, 0), (0, -7), (-6, 8)])
def test_a_face_that_moves_takes_its_landmarks_along(shift):
    picture, face = portrait(105)
    moved = np.roll(picture, (shift[1], shift[0]), axis=(0, 1))
    network = landmark_network.load()
    first, second = (
        network.settle(each, everything(each), rough_map(face)).points
        for each in (picture, moved)
    )
    # The rough map stays behind, so that only the picture can tell.
    unit = 1.0 / np.hypot(*rough_map(face)[:2, 0])  # side of the crop in pixels
    assert np.abs((second - first).mean(axis=0) - shift).max() < 0.5 * unit / 64
    assert np.abs(second - first - shift).max() < 2.5


def test_a_mirrored_face_has_mirrored_landmarks():
    picture, face = portrait(27)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    last = picture.shape[1] - 1
    to_frame = rough_map(face)
    other = np.array([(1.0, 0.0, 1.0), (0.0, 1.0, 0.0)])
    # x of the photo is last - x, x of the frame 1 - x.
    other[0, 2] -= to_frame[0, 2] + to_frame[0, 0] * last
    other = np.array([(to_frame[0, 0], 0.0, other[0, 2]), to_frame[1]])
    network = landmark_network.load()
    one = network.read(picture, everything(picture), to_frame).points
    two = network.read(mirrored, everything(mirrored), other).points
    assert np.abs((two * (-1, 1) + (last, 0))[MIRRORED] - one).max() < 0.3


def test_hidden_pixels_decide_nothing():
    picture, face = portrait(105)
    known = everything(picture)
    known[100:160, 90:200] = 0.0
    network = landmark_network.load()
    readings = [
        network.settle(
            np.where(known[..., None] > 0.0, picture, np.float32(paint)),
            known,
            rough_map(face),
        )
        for paint in (0, 255, (255, 0, 255))
    ]
    for reading in readings[1:]:
        assert reading.points.tobytes() == readings[0].points.tobytes()
        assert reading.score == readings[0].score


def test_it_tells_a_face_from_what_is_none():
    picture, face = portrait(105)
    network, known = landmark_network.load(), everything(picture)
    noise = np.random.default_rng(0).uniform(0, 255, picture.shape)
    assert network.score(picture, known, rough_map(face)) > 4.0
    assert network.score(noise.astype(np.float32), known, rough_map(face)) < 2.0
    # As long as anything is known.
    nothing = np.zeros_like(known)
    assert network.score(picture, nothing, rough_map(face)) == -np.inf
    assert network.settle(picture, nothing, rough_map(face)) is None


def test_what_it_sees_is_normalised_over_the_known_pixels():
    draw = np.random.default_rng(1)
    pixels = draw.normal((90, 120, 40), 25, (SIDE, SIDE, 3)).astype(np.float32)
    known = draw.random((SIDE, SIDE)) < 0.5
    seen = network_input(face_prior.View(pixels, known))
    assert seen.shape == (4, SIDE, SIDE)
    assert np.array_equal(seen[3] == 1.0, known)
    assert np.all(seen[:3, ~known] == 0.0)
    assert np.allclose(seen[:3, known].mean(axis=1), 0.0, atol=1e-4)
    assert np.isclose(seen[:3, known].std(), 1.0, atol=1e-3)


def test_another_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is absent"):
        landmark_network.load(tmp_path)
    (tmp_path / landmark_network.FILE).write_bytes(b"no network")
    described = json.dumps({"sha256": "0" * 64})
    (tmp_path / landmark_network.DESCRIPTION).write_text(described)
    with pytest.raises(ModelError, match="not the file that was shipped"):
        landmark_network.load(tmp_path)
    with pytest.raises(ModelError, match="no landmark network"):
        LandmarkNetwork(b"no network")
