"""A damaged face is aligned by its known pixels, and by nothing else."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from facefill.imaging import geometry
from facefill.imaging.photos import decode_photo
from facefill.parameters import AlignOptions
from facefill.preparation import hole_alignment
from facefill.preparation.damaged_face import Located
from facefill.preparation.detection import Box
from facefill.preparation.extraction import extract, landmark_model
from facefill.preparation.hole_alignment import DamagedPhoto, EyePair
from photos import face_photo, noise

PORTRAITS = Path(__file__).parents[2] / "data/demo/01_raw/photos"
NUMBERS = (4, 27, 61, 105, 158, 214)
OPTIONS = AlignOptions()
TEMPLATE = geometry.LANDMARK_INDICES["innerEyesAndBottomLip"]


@cache
def portrait(number):
    return decode_photo((PORTRAITS / f"face-{number:04d}.jpg").read_bytes())


@cache
def intact(number):
    (face,) = extract(portrait(number), OPTIONS, 64).faces
    return face


def hole_of(kind, number):
    """Hide a part of a portrait: bool (256, 256)."""
    hole = np.zeros((256, 256), np.bool_)
    places = intact(number).landmarks
    (left, right) = places[36:42].mean(0), places[42:48].mean(0)
    unit = np.linalg.norm(right - left)
    parts = {
        "centre": (np.array([128, 128]), (30, 32)),
        "eyes": ((left + right) / 2, (0.95 * unit, 0.35 * unit)),
        "mouth": (places[48:68].mean(0), (0.6 * unit, 0.4 * unit)),
        "left": (np.array([64, 128]), (64, 128)),
        "nose": (places[27:36].mean(0), (0.35 * unit, 0.4 * unit)),
    }
    centre, half = parts[kind]
    x0, y0 = np.maximum(np.subtract(centre, half), 0).astype(int)
    x1, y1 = np.add(centre, half).astype(int)
    hole[y0:y1, x0:x1] = True
    return hole


def painted(photo, hole, colour):
    return np.where(hole[..., None], np.asarray(colour, np.uint8), photo)


def misalignment(face, number):
    """Measure how far the intact landmarks come from their places, pixels of 64."""
    places = intact(number).landmarks[TEMPLATE]
    moved = places @ face.matrix[:, :2].T + face.matrix[:, 2]
    target = geometry.target_points("innerEyesAndBottomLip", 64)
    return float(np.linalg.norm(moved - target, axis=1).mean())


def test_damaged_portraits_are_aligned_like_the_intact_ones():
    errors = {}
    for kind in ("centre", "eyes", "mouth", "left", "nose"):
        for number in NUMBERS:
            hole = hole_of(kind, number)
            photo = painted(portrait(number), hole, (255, 255, 255))
            for face in extract(photo, OPTIONS, 64, hole).faces:
                if not face.reason:
                    errors[kind, number] = misalignment(face, number)
    assert len(errors) >= 29
    assert np.median(list(errors.values())) < 1.0
    assert max(errors.values()) < 6.0


@pytest.mark.parametrize("kind", ["centre", "left", "mouth"])
def test_what_is_painted_in_the_hole_decides_nothing(kind):
    hole = hole_of(kind, 105)
    found = [
        extract(painted(portrait(105), hole, colour), OPTIONS, 64, hole).faces[0]
        for colour in (255, 0, (255, 0, 255), noise(256, 256))
    ]
    found.append(extract(portrait(105), OPTIONS, 64, hole).faces[0])
    for face in found[1:]:
        assert face.box == found[0].box
        assert face.matrix.tobytes() == found[0].matrix.tobytes()
        assert face.landmarks.tobytes() == found[0].landmarks.tobytes()
        assert face.pixels.tobytes() == found[0].pixels.tobytes()


def test_a_white_hole_in_the_middle_of_a_portrait_moves_the_crop_little():
    hole = hole_of("centre", 105)
    photo = painted(portrait(105), hole, 255)
    (face,) = extract(photo, OPTIONS, 64, hole).faces
    assert misalignment(face, 105) < 3.0
    # Corners of the crop, taken there by one map and back by the other.
    crop = np.array([(0, 0, 1), (63, 0, 1), (0, 63, 1), (63, 63, 1)], float)
    inverse = np.linalg.inv(np.vstack([intact(105).matrix, (0, 0, 1)]))[:2]
    places = np.column_stack([crop @ inverse.T, np.ones(4)])
    assert np.linalg.norm(places @ face.matrix.T - crop[:, :2], axis=1).max() < 3.0


def test_a_face_that_the_hole_does_not_reach_comes_out_as_without_it():
    hole = np.zeros((256, 256), np.bool_)
    hole[:20, :30] = True
    without = intact(105)
    (face,) = extract(painted(portrait(105), hole, 255), OPTIONS, 64, hole).faces
    assert (face.reason, face.box) == ("", without.box)
    assert np.array_equal(face.landmarks, without.landmarks)
    assert face.matrix.tobytes() == without.matrix.tobytes()
    assert np.array_equal(face.pixels, without.pixels)


def test_an_empty_hole_changes_nothing():
    hole = np.zeros((256, 256), np.bool_)
    (face,) = extract(portrait(105), OPTIONS, 64, hole).faces
    assert np.array_equal(face.pixels, intact(105).pixels)


@pytest.mark.parametrize("seed", range(3))
def test_no_face_is_seen_in_a_photo_without_one(seed):
    photo, hole = noise(128, 128, seed), np.zeros((128, 128), np.bool_)
    hole[:, :64] = True
    assert extract(photo, OPTIONS, 64, hole).reason == "no_face"
    assert extract(photo, OPTIONS, 64, ~np.zeros_like(hole)).reason == "no_face"


def test_a_hole_of_another_size_is_refused():
    with pytest.raises(ValueError, match="hole of shape"):
        extract(noise(16, 16), OPTIONS, 64, np.ones((16, 17), np.bool_))


def test_a_box_from_the_user_stands_in_for_detection():
    box = intact(105).box
    (face,) = extract(portrait(105), OPTIONS, 64, hint=box).faces
    assert np.array_equal(face.pixels, intact(105).pixels)
    # Of so little of a face no detector says that it is one.
    hole = hole_of("left", 105) | hole_of("eyes", 105)
    (face,) = extract(portrait(105), OPTIONS, 64, hole, box).faces
    assert misalignment(face, 105) < 4.0


def test_a_face_that_the_user_points_at_is_taken_also_if_the_hole_is_in_another():
    two = np.concatenate([portrait(105), portrait(158)], axis=1)
    hole = np.concatenate([np.zeros((256, 256), np.bool_), hole_of("eyes", 158)], 1)
    (face,) = extract(two, OPTIONS, 64, hole, intact(105).box).faces
    assert np.array_equal(face.pixels, intact(105).pixels)


def test_two_eyes_from_the_user_stand_in_for_detection():
    places = intact(105).landmarks
    eyes = [tuple(places[eye].mean(0)) for eye in (slice(36, 42), slice(42, 48))]
    for hint in (EyePair(*eyes), EyePair(*eyes[::-1])):
        (face,) = extract(portrait(105), OPTIONS, 64, hint=hint).faces
        assert misalignment(face, 105) < 2.0


def test_a_hint_that_shows_no_face_is_judged_like_any_other():
    tiny = Box(0, 0, 3, 3)
    (face,) = extract(portrait(105), OPTIONS, 64, hint=tiny).faces
    assert face.reason
    assert face.pixels is None


def test_five_landmarks_do_too():
    options = AlignOptions(landmarks="five_point")
    hole = np.zeros(face_photo().shape[:2], np.bool_)
    (whole,) = extract(face_photo(), options, 64).faces
    x, y = whole.landmarks[:2].mean(0).astype(int)
    hole[y - 12 : y + 12, x - 18 : x + 18] = True
    (face,) = extract(painted(face_photo(), hole, 0), options, 64, hole).faces
    places = np.column_stack([whole.landmarks, np.ones(5)])
    moved = places @ face.matrix.T - places @ whole.matrix.T
    assert np.linalg.norm(moved, axis=1).max() < 3.0


@pytest.mark.long
@pytest.mark.timeout(900)
def test_of_sixty_damaged_portraits_nearly_all_are_found():
    files = sorted(PORTRAITS.glob("*.jpg"))[:12]
    found = 0
    for kind in ("centre", "eyes", "mouth", "left", "nose"):
        for file in files:
            number = int(file.stem.removeprefix("face-"))
            hole = hole_of(kind, number)
            faces = extract(painted(portrait(number), hole, 0), OPTIONS, 64, hole).faces
            found += any(not face.reason for face in faces)
    assert found >= 57


@pytest.mark.parametrize(
    "hidden",
    [
        np.s_[90:120, 180:265],
        np.s_[110:165, 195:255],
        # Nose and mouth: no filling shows the detector a face.
        np.s_[110:170, 190:260],
    ],
)
def test_the_face_of_the_hole_is_found_though_something_else_looks_like_one(hidden):
    photo = skimage.data.astronaut()
    (whole,) = extract(photo, OPTIONS, 64).faces
    hole = np.zeros(photo.shape[:2], np.bool_)
    hole[hidden] = True
    # With the face hidden the detector takes the patch on the suit for one.
    (face,) = extract(photo, OPTIONS, 64, hole).faces
    places = np.column_stack([whole.landmarks[TEMPLATE], np.ones(3)])
    moved = places @ face.matrix.T - places @ whole.matrix.T
    assert np.linalg.norm(moved, axis=1).mean() < 3.0


def test_both_faces_of_a_hole_are_found_and_the_untouched_one_only_without_it():
    two = np.concatenate([portrait(105), portrait(158)], axis=1)
    hole = np.zeros(two.shape[:2], np.bool_)
    hole[:, :256] = hole_of("nose", 105)
    assert len(extract(two, OPTIONS, 64, hole).faces) == 1
    hole[:, 256:] = hole_of("nose", 158)
    faces = extract(two, OPTIONS, 64, hole).faces
    assert len(faces) == 2
    assert all(not face.reason for face in faces)


def test_a_face_that_is_not_seen_beside_one_that_the_hole_touches_is_found():
    """Else the hole is taken for the other face's, and patched."""
    astronaut, other = face_photo(), portrait(27)
    (alone,) = extract(astronaut, OPTIONS, 64).faces
    lower = np.pad(astronaut, ((0, 36), (0, 0), (0, 0)), mode="edge")
    both = np.concatenate([lower, other], axis=1)
    places = alone.landmarks[[*range(28, 36), *range(48, 68)]]
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    hole = np.zeros(both.shape[:2], np.bool_)
    hole[top:bottom, left:right] = True
    edge = 220 + intact(27).landmarks[:, 0].min() + 10
    hole[top : top + 10, left:edge] = True  # a strip into the other face
    faces = extract(both, OPTIONS, 64, hole).faces
    assert len(faces) == 2
    apart = np.abs(faces[1].landmarks - alone.landmarks)
    assert apart[36:48].max() < 8


@pytest.mark.parametrize(
    ("scores", "expected"), [((-0.8, 1.7), 1), ((0.2, 1.7), 0), ((-0.8, -0.3), 0)]
)
def test_of_likely_places_the_first_is_taken_that_is_a_face_once_completed(
    monkeypatch, scores, expected
):
    """A neighbour may seem likelier than the face that the detector sees."""
    boxes = [Box(100, 100, 199, 199), Box(140, 150, 239, 249)]

    class Place:
        """A place of which the network is the surer the further left it is."""

        def __init__(self, filled, hole, box, model):
            self.box = box
            self.number = boxes.index(box)
            self.certainty = 11.0 - 1.4 * self.number
            self.read = np.zeros((68, 2))

        def settle(self, read):
            return Located(self.box, read, scores[self.number], self.certainty)

    monkeypatch.setattr(hole_alignment, "DamagedFace", Place)
    hole = np.zeros((300, 300), np.bool_)
    hole[120:220, 120:220] = True
    photo = noise(300, 300)
    damaged = DamagedPhoto(photo, hole, landmark_model(OPTIONS))
    monkeypatch.setattr(DamagedPhoto, "_at", lambda self, near: boxes)
    assert damaged.find(boxes[1]).box == boxes[expected]


@pytest.mark.parametrize(
    ("seen", "scanned", "expected"),
    [
        ((0.1, 4.6), (1.0, 9.0), "seen"),
        ((-0.2, 7.0), None, "seen"),
        ((-0.2, 7.0), (0.4, 6.5), "scanned"),
        ((-0.2, 7.0), (-0.1, 6.5), "seen"),
        ((-0.2, 5.0), None, None),
        ((-0.4, 9.0), None, None),
        (None, (-0.1, 9.0), None),
    ],
)
def test_a_face_that_the_detector_nearly_sees_is_one_if_the_network_is_certain(
    monkeypatch, seen, scanned, expected
):
    box = Box(100, 100, 199, 199)
    faces = {
        name: None if found is None else Located(box, np.zeros((68, 2)), *found)
        for name, found in (("seen", seen), ("scanned", scanned))
    }
    hole = np.zeros((300, 300), np.bool_)
    hole[120:220, 120:220] = True
    damaged = DamagedPhoto(noise(300, 300), hole, landmark_model(OPTIONS))
    monkeypatch.setattr(DamagedPhoto, "_scanned", list)
    monkeypatch.setattr(DamagedPhoto, "_candidates", [])
    monkeypatch.setattr(
        DamagedPhoto,
        "_located",
        lambda self, boxes, least: faces[
            "scanned" if least == hole_alignment.MIN_SCANNED else "seen"
        ],
    )
    assert damaged.find() is faces.get(expected)
