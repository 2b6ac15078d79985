"""What one half of a face shows is detail of the other, in the other's own light."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facefill.completion import face_outlines, mirrored_faces, result
from facefill.completion.faces import AlignedFace, face_with_hole
from facefill.completion.head_outlines import Mirror
from facefill.completion.mirrored_faces import with_mirrored_detail
from facefill.completion.mirrored_heads import pixels_at
from facefill.completion.result import completed_face, compose
from facefill.imaging.geometry import affine, warp
from facefill.imaging.photos import decode_photo
from facefill.models.refinement import finer
from facefill.preparation import detection
from facefill.preparation.landmark_network import MIRRORED
from restoring import candidate

PORTRAITS = Path(__file__).parents[1] / "portraits"
NAMES = [f"face-000{number}.jpg" for number in range(1, 9)]
SIZE = 64
SIZES = [("face-0001.jpg", 0.4), ("face-0001.jpg", 4.0)]


def portrait(name="face-0001.jpg"):
    """A portrait, and its landmarks."""
    photo = decode_photo((PORTRAITS / name).read_bytes())
    (box,) = detection.find_faces(photo, 1)[:1]
    return photo, detection.find_landmarks(photo, box).astype(float)


def symmetric(name="face-0001.jpg"):
    """A portrait whose right half is its left one mirrored, and its landmarks."""
    photo, points = portrait(name)
    axis = points[[27, 28, 8], 0].mean()
    rows, columns = np.mgrid[: photo.shape[0], : photo.shape[1]].astype(np.float32)
    left = np.where(columns > axis, 2 * axis - columns, columns).astype(np.float32)
    both = cv2.remap(photo, left, rows, cv2.INTER_CUBIC)
    (box,) = detection.find_faces(both, 1)[:1]
    return both, detection.find_landmarks(both, box).astype(float)


def hidden(photo, points, hole):
    """The face of a photo with a hole."""
    matrix = affine(points, "innerEyesAndBottomLip", SIZE)
    face = AlignedFace("a", warp(photo, matrix, SIZE), matrix, is_square=False)
    return face_with_hole(face, hole)


def softened(photo, hole, points):
    """The photo as a completion would be that lacks detail."""
    side = np.ptp(points[:17, 0])
    soft = cv2.GaussianBlur(photo, (0, 0), 0.02 * side)
    return np.where(hole[..., None], soft, photo)


def right_half(photo, points):
    return np.arange(photo.shape[1]) > points[27, 0] + np.zeros((len(photo), 1))


def features(photo, points):
    """Pixels of eyes, nose and mouth."""
    drawn = np.zeros(photo.shape[:2], np.uint8)
    hull = cv2.convexHull(np.round(points[17:]).astype(np.int32))
    return cv2.fillConvexPoly(drawn, hull, 1) > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_landmarks_of_a_mirrored_portrait_are_those_of_the_other_half(name):
    photo, points = portrait(name)
    flipped = np.ascontiguousarray(photo[:, ::-1])
    (box,) = detection.find_faces(flipped, 1)[:1]
    found = detection.find_landmarks(flipped, box).astype(float)
    found[:, 0] = photo.shape[1] - 1 - found[:, 0]
    apart = found[MIRRORED] - points
    assert np.linalg.norm(apart, axis=1).mean() < 0.04 * np.ptp(points[:17, 0])


@pytest.mark.parametrize(
    ("name", "scale"), [*((name, 1.0) for name in NAMES[:4]), *SIZES]
)
def test_the_hidden_half_of_a_symmetric_face_has_its_detail_again(name, scale):
    truth, points = symmetric(name)
    truth = cv2.resize(truth, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points = scale * points
    hole = right_half(truth, points)
    soft = softened(truth, hole, points)
    made = with_mirrored_detail(soft, hole, hole, hidden(truth, points, hole))
    judged = hole & features(truth, points)
    before, after = (
        np.square(each[judged].astype(float) - truth[judged]).mean()
        for each in (soft, made)
    )
    assert after < 0.6 * before


def test_its_light_is_that_of_the_completed_face():
    truth, points = symmetric()
    hole = right_half(truth, points)
    darker = np.where(hole[..., None], 0.6 * softened(truth, hole, points), truth)
    darker = darker.astype(np.uint8)
    made = with_mirrored_detail(darker, hole, hole, hidden(truth, points, hole))
    judged = hole & features(truth, points)
    judged[:, : int(points[27, 0] + 0.15 * np.ptp(points[:17, 0]))] = False
    assert (made[judged] != darker[judged]).any(axis=-1).mean() > 0.8
    assert made[judged].mean() == pytest.approx(darker[judged].mean(), abs=4.0)


def test_nothing_changes_but_what_was_filled():
    truth, points = symmetric()
    hole = right_half(truth, points)
    filled = hole & (np.arange(len(hole)) < points[33, 1])[:, None]
    soft = softened(truth, hole, points)
    made = with_mirrored_detail(soft, hole, filled, hidden(truth, points, hole))
    assert (made != soft).any()
    np.testing.assert_array_equal(made[~filled], soft[~filled])


def test_what_is_hidden_and_not_filled_is_not_read():
    truth, points = symmetric()
    hole = right_half(truth, points)
    filled = hole & (np.arange(len(hole)) < points[33, 1])[:, None]
    face, soft = hidden(truth, points, hole), softened(truth, hole, points)
    painted = [
        np.where((hole & ~filled)[..., None], np.uint8(colour), soft)
        for colour in (0, 255)
    ]
    made = [with_mirrored_detail(each, hole, filled, face) for each in painted]
    assert (made[0][filled] != soft[filled]).any()
    np.testing.assert_array_equal(made[0][filled], made[1][filled])


def test_a_hole_on_both_halves_is_left_as_it_was_completed():
    truth, points = symmetric()
    hole = np.abs(np.arange(truth.shape[1]) - points[27, 0]) < 30
    hole = hole & np.ones((len(truth), 1), bool)
    face = hidden(truth, points, hole)
    known = face.measurement.mask & face.measurement.mask[:, ::-1]
    both = replace(face, measurement=replace(face.measurement, mask=known))
    soft = softened(truth, hole, points)
    np.testing.assert_array_equal(with_mirrored_detail(soft, hole, hole, both), soft)


def test_what_both_halves_hide_is_left_as_it_was_completed():
    truth, points = symmetric()
    side = np.ptp(points[:17, 0])
    known_eye, other_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    rows, columns = np.mgrid[: truth.shape[0], : truth.shape[1]]
    near = [
        np.hypot(columns - x, rows - y) < radius * side
        for (x, y), radius in ((known_eye, 0.2), (other_eye, 0.1))
    ]
    hole = right_half(truth, points) | near[0]
    soft = softened(truth, hole, points)
    made = with_mirrored_detail(soft, hole, hole, hidden(truth, points, hole))
    assert (made[hole] != soft[hole]).any()
    np.testing.assert_array_equal(made[near[1]], soft[near[1]])


def test_next_to_what_both_halves_hide_it_ends_without_an_edge():
    truth, points = symmetric()
    rows, columns = np.mgrid[: truth.shape[0], : truth.shape[1]]
    half, (x, y) = right_half(truth, points), points[36:42].mean(axis=0)
    eye = np.hypot(columns - x, rows - y) < 0.2 * np.ptp(points[:17, 0])

    def changed(hole):
        soft = softened(truth, half | eye, points)
        made = with_mirrored_detail(soft, hole, hole, hidden(truth, points, hole))
        return np.abs(made.astype(float) - soft).mean(axis=-1)

    fading, whole = changed(half | eye), changed(half)
    x, y = points[42:48].mean(axis=0).astype(int)
    _, labels = cv2.connectedComponents((fading == 0.0).astype(np.uint8))
    away = cv2.distanceTransform(
        (labels != labels[y, x]).astype(np.uint8), cv2.DIST_L2, 5
    )
    beside = features(truth, points) & half & (away > 0.0) & (away <= 1.0)
    beside &= np.hypot(columns - x, rows - y) < 0.3 * np.ptp(points[:17, 0])
    assert fading[beside].mean() < 0.58 * whole[beside].mean()


def test_it_reaches_up_to_known_pixels_at_the_middle_of_the_face():
    truth, points = symmetric()
    hole = right_half(truth, points)
    soft = softened(truth, hole, points)
    made = with_mirrored_detail(soft, hole, hole, hidden(truth, points, hole))
    first = np.argmax(hole[0])
    seam = features(truth, points)
    seam[:, :first] = seam[:, first + 2 :] = False

    def error(picture):
        return np.square(picture[seam].astype(float) - truth[seam]).mean()

    assert error(made) < 0.6 * error(soft)


@pytest.mark.parametrize(("width", "share"), [(1.0, 1.0), (2.0, 0.44), (0.4, 0.0)])
def test_the_further_a_face_is_turned_the_less_is_mirrored(width, share, monkeypatch):
    truth, points = symmetric()
    hole = right_half(truth, points)
    soft, face = softened(truth, hole, points), hidden(truth, points, hole)
    frontal = with_mirrored_detail(soft, hole, hole, face).astype(float)
    monkeypatch.setattr(mirrored_faces, "mirror_of", lambda *_: Mirror(0.0, width))
    turned = with_mirrored_detail(soft, hole, hole, face).astype(float)
    below = np.arange(len(hole)) > points[36:48, 1].max()
    judged = features(truth, points) & below[:, None]  # above the brows it is less
    changes = [np.abs(each - soft)[judged].sum() for each in (turned, frontal)]
    assert changes[0] / changes[1] == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize(("aside", "is_left"), [(0.0, False), (0.28, True)])
def test_eyes_that_look_to_one_side_are_not_mirrored(aside, is_left):
    truth, points = symmetric()
    known, other = points[36:42], points[42:48]
    for eye in (known, other):
        left, right = eye[0], eye[3]
        corners = np.round(eye).astype(np.int32)
        cv2.fillConvexPoly(truth, cv2.convexHull(corners), (235, 235, 235))
        iris = left + (0.5 + aside) * (right - left)
        cv2.circle(
            truth, np.round(iris).astype(int).tolist(), 3, (20, 20, 20), cv2.FILLED
        )
    hole = right_half(truth, points)
    soft = softened(truth, hole, points)
    made = with_mirrored_detail(soft, hole, hole, hidden(truth, points, hole))
    drawn = np.zeros(hole.shape, np.uint8)
    hull = cv2.convexHull(np.round(other).astype(np.int32))
    inside = cv2.fillConvexPoly(drawn, hull, 1) > 0
    left = (made[inside] == soft[inside]).all(axis=-1).mean()
    assert left > 0.9 if is_left else left < 0.3


@pytest.mark.parametrize(
    ("refined", "is_mean", "is_mirrored"),
    [(True, False, True), (True, True, False), (False, False, False)],
)
def test_detail_is_mirrored_into_refined_pictures_alone(
    refined, is_mean, is_mirrored, monkeypatch
):
    truth, points = symmetric()
    hole = right_half(truth, points)
    face = hidden(truth, points, hole)
    done = completed_face(face, [candidate(face.measurement.face, SIZE)])
    crop = warp(softened(truth, hole, points), finer(face.matrix), 2 * SIZE)
    done = replace(done, refined=crop if refined else None, is_mean=is_mean)
    made = compose(truth, hole, [done], "leave").photo
    monkeypatch.setattr(result, "with_mirrored_detail", lambda photo, *_: photo)
    without = compose(truth, hole, [done], "leave").photo
    assert (made != without).any() == is_mirrored


def test_of_two_faces_each_has_the_detail_of_its_own():
    truth, points = symmetric()
    width = truth.shape[1]
    both = np.concatenate([truth, truth], axis=1)
    hole = np.concatenate([right_half(truth, points)] * 2, axis=1)
    soft = np.concatenate([softened(truth, right_half(truth, points), points)] * 2, 1)
    faces = [hidden(both, np.add(points, (left, 0)), hole) for left in (0, width)]
    done = [
        replace(
            completed_face(face, [candidate(face.measurement.face, SIZE)]),
            refined=warp(soft, finer(face.matrix), 2 * SIZE),
        )
        for face in faces
    ]
    pair = compose(both, hole, done, "leave").photo
    alone = compose(both, hole, done[:1], "leave").photo
    np.testing.assert_array_equal(pair[:, :width], alone[:, :width])
    assert (pair[:, width:] != alone[:, width:]).any()


def test_in_a_large_photo_places_are_not_rounded():
    points = np.random.default_rng(1).uniform(100, 900, (68, 2))
    ramp = np.tile(np.arange(1000) / 4, (1000, 1)).astype(np.uint8)
    photo = np.repeat(ramp[..., None], 3, axis=-1)
    still = np.arange(68)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mirrored_faces, "MIRRORED", still)
        picture, shown = mirrored_faces._mirrored(
            photo, np.ones((1000, 1000), bool), points, 30.0
        )
    difference = picture[shown].astype(int) - photo[shown]
    assert np.abs(difference).max() <= 1


def test_at_the_photos_edge_nothing_dark_is_read():
    photo = np.full((40, 40, 3), 100, np.uint8)
    rows, columns = np.mgrid[:40, :40].astype(np.float32)
    picture, shown = pixels_at(photo, np.ones((40, 40), bool), columns + 0.4, rows)
    assert (picture[shown] == 100).all()


def test_what_is_sampled_of_known_pixels_has_nothing_of_the_hidden_ones():
    rng = np.random.default_rng(3)
    known = cv2.GaussianBlur(rng.random((60, 60)), (0, 0), 3) > 0.5
    photo = rng.integers(0, 256, (60, 60, 3), np.uint8)
    columns, rows = rng.uniform(0, 59, (2, 60, 60)).astype(np.float32)
    made = [
        pixels_at(
            np.where(known[..., None], photo, np.uint8(paint)), known, columns, rows
        )
        for paint in (0, 255)
    ]
    shown = made[0][1]
    assert 0.1 < shown.mean() < 0.9
    np.testing.assert_array_equal(made[0][0][shown], made[1][0][shown])


def test_an_eye_of_one_level_looks_nowhere():
    photo = np.full((64, 64, 3), 100, np.uint8)
    points = np.random.default_rng(1).uniform(10, 50, (68, 2))
    assert not mirrored_faces._looks_aside(photo, np.ones((64, 64), bool), points)


def test_where_no_face_is_seen_nothing_is_mirrored(monkeypatch):
    truth, points = symmetric()
    hole = right_half(truth, points)
    face = hidden(truth, points, hole)
    monkeypatch.setattr(face_outlines, "find_landmarks", lambda *_: None)
    soft = softened(truth, hole, points)
    np.testing.assert_array_equal(with_mirrored_detail(soft, hole, hole, face), soft)


def test_a_scratch_goes_on_as_its_surroundings_do():
    truth, points = symmetric()
    rows, columns = np.mgrid[: truth.shape[0], : truth.shape[1]]
    hole = np.abs(rows - columns + 0.02 * truth.shape[0]) < 3
    soft = softened(truth, hole, points)
    face = hidden(truth, points, hole)
    assert (~face.measurement.mask).mean() > 0.03
    np.testing.assert_array_equal(with_mirrored_detail(soft, hole, hole, face), soft)
