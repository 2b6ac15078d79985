"""A damaged face is aligned by its known pixels, and by nothing else."""

import numpy as np
import pytest

import damaging
from commands import SAMPLE
from facefill.imaging.geometry import LANDMARK_INDICES
from facefill.imaging.photos import read_photo
from facefill.parameters import AlignOptions
from facefill.preparation.detection import Box
from facefill.preparation.extraction import extract
from facefill.preparation.hole_alignment import EyePair
from photos import face_photo

SIZE = 64
OPTIONS = AlignOptions()
PORTRAITS = sorted((SAMPLE / "photos").glob("*.jpg"))[:12]
COLOURS = ["white", "black", "grey", "magenta", "noise"]
THREE = LANDMARK_INDICES["innerEyesAndBottomLip"]


def align(photo, hole=None, hint=None):
    return extract(photo, OPTIONS, SIZE, hole, hint).faces


def holes(landmarks, shape):
    """Holes of a portrait by name, where its own features are."""
    side = damaging.face_side(landmarks)
    boxes = {
        "centre": (landmarks[27:36], 0.14),
        "eyes": (landmarks[36:48], 0.08),
        "mouth": (landmarks[48:68], 0.06),
        "nose": (landmarks[29:36], 0.05),
    }
    for name, (points, margin) in boxes.items():
        hole = np.zeros(shape, bool)
        left, top = (points.min(axis=0) - margin * side).astype(int).clip(0)
        right, bottom = (points.max(axis=0) + margin * side).astype(int) + 1
        hole[top:bottom, left:right] = True
        yield name, hole
    half = np.zeros(shape, bool)
    half[:, : round(landmarks[27:31, 0].mean())] = True
    yield "left half", half


def apart(found, face):
    """How far a map takes the intact landmarks from their places, pixels of 64."""
    points = np.column_stack([face.landmarks[THREE], np.ones(3)])
    difference = points @ found.matrix.T - points @ face.matrix.T
    return np.linalg.norm(difference, axis=1).mean()


@pytest.fixture(scope="module")
def portraits():
    read = [read_photo(path) for path in PORTRAITS]
    return [(photo, align(photo)[0]) for photo in read]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("count", "least"), [(3, 14), pytest.param(12, 57, marks=pytest.mark.long)]
)
def test_nearly_all_damaged_portraits_are_found_and_near_to_where_they_were(
    portraits, count, least
):
    errors = {}
    for number, (photo, face) in enumerate(portraits[:count]):
        for name, hole in holes(face.landmarks, photo.shape[:2]):
            colour = COLOURS[number % len(COLOURS)]
            found = align(damaging.paint(photo, hole, colour), hole)
            if found and found[0].pixels is not None:
                errors.setdefault(name, []).append(apart(found[0], face))
    assert sum(map(len, errors.values())) >= least
    assert np.mean(errors["nose"]) < 1.0
    assert np.mean(np.concatenate(list(errors.values()))) < 2.0


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["centre", "left half"])
def test_what_is_painted_under_the_hole_changes_no_byte(portraits, name):
    photo, face = portraits[0]
    hole = dict(holes(face.landmarks, photo.shape[:2]))[name]
    found = [align(damaging.paint(photo, hole, each), hole) for each in COLOURS[::2]]
    found += [align(damaging.paint(photo, hole, "noise"), hole), align(photo, hole)]
    first = found[0][0]
    for faces in found:
        assert len(faces) == len(found[0])
        assert faces[0].box == first.box
        assert faces[0].matrix.tobytes() == first.matrix.tobytes()
        assert faces[0].landmarks.tobytes() == first.landmarks.tobytes()
        assert faces[0].pixels.tobytes() == first.pixels.tobytes()


@pytest.mark.parametrize("given", ["none", "empty", "far from the face"])
def test_without_a_hole_at_the_face_nothing_changes(given):
    photo = np.asarray(face_photo())
    photo = np.pad(photo, ((0, 200), (0, 0), (0, 0)), mode="edge")
    hole = None if given == "none" else np.zeros(photo.shape[:2], bool)
    if given == "far from the face":
        hole[-20:, :20] = True
    (whole,), (face,) = align(photo), align(photo, hole)
    assert face.box == whole.box
    assert face.matrix.tobytes() == whole.matrix.tobytes()
    assert face.pixels.tobytes() == whole.pixels.tobytes()


@pytest.mark.parametrize("kind", ["box", "eyes", "eyes the other way round"])
def test_a_hint_is_where_the_face_is(kind):
    photo = np.asarray(face_photo())
    (face,) = align(photo)
    eyes = [
        face.landmarks[part].mean(axis=0) for part in (slice(36, 42), slice(42, 48))
    ]
    pair = EyePair(tuple(eyes[0]), tuple(eyes[1]))
    hints = {
        "box": Box(*face.box),
        "eyes": pair,
        "eyes the other way round": EyePair(pair.other, pair.one),
    }
    (found,) = align(photo, hint=hints[kind])
    assert apart(found, face) < 1.5


def test_a_photo_that_is_one_hole_has_no_face():
    photo = np.asarray(face_photo())
    faces = align(photo, np.ones(photo.shape[:2], bool))
    assert not faces or faces[0].pixels is None
