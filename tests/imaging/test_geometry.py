"""The affine map and the crop are those of OpenFace."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import openface
from facefill.imaging import geometry
from facefill.imaging.masks import mask_within_photo
from facefill.imaging.pictures import read_png
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob
from facefill.preparation.alignment import align_photos
from facefill.preparation.ingestion import ingest
from facefill.runtime.result_cache import ResultCache
from photos import face_photo, map_here, noise, write_photo
from projects import ROOT

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


SETS = {
    "innerEyesAndBottomLip": openface.INNER_EYES_AND_BOTTOM_LIP,
    "outerEyesAndNose": openface.OUTER_EYES_AND_NOSE,
}
SAMPLE = ROOT / "data/demo/01_raw/photos"


def aligned_by_us(folder, paths, landmark_set, size):
    """Prepare a folder of photos; give the pixels of each face that was written."""
    for number, path in enumerate(paths):
        photo = folder / "photos" / f"{number:04d}{path.suffix}"
        photo.parent.mkdir(exist_ok=True)
        photo.write_bytes(path.read_bytes())
    options = AlignOptions(landmarks=landmark_set)
    known = ResultCache(folder / "known")
    manifest = ingest(folder / "photos", known, IngestOptions(), options, map_here)
    faces = folder / landmark_set / str(size)
    job = AlignJob(folder / "photos", faces, size, options)
    table = align_photos(manifest, job, ResultCache(faces / ".records"), map_here)
    return [read_png(faces / face) if face else None for face in table["face"]]


def assert_equal_to_openface(folder, paths, sizes):
    wanted = [(landmark_set, size) for landmark_set in SETS for size in sizes]
    pairs = [(size, SETS[landmark_set]) for landmark_set, size in wanted]
    references = [openface.align(path, pairs) for path in paths]
    for column, (landmark_set, size) in enumerate(wanted):
        ours = aligned_by_us(folder, paths, landmark_set, size)
        for crop, reference in zip(ours, references, strict=True):
            if reference is None:
                assert crop is None
            else:
                difference = np.abs(crop.astype(int) - reference[column])
                assert difference.mean() == 0.0
    return sum(reference is not None for reference in references)


def test_faces_are_those_of_openface_to_the_last_bit(tmp_path):
    astronaut = write_photo(tmp_path / "astronaut.png", face_photo())
    paths = [astronaut, *sorted(SAMPLE.glob("*.jpg"))[::40]]
    assert assert_equal_to_openface(tmp_path, paths, [64, 128]) > 5


@pytest.mark.lfw
@pytest.mark.slow
@pytest.mark.skipif("FACEFILL_LFW" not in os.environ, reason="FACEFILL_LFW is not set")
def test_faces_of_lfw_are_those_of_openface_to_the_last_bit(tmp_path):
    paths = sorted(Path(os.environ["FACEFILL_LFW"]).rglob("*.jpg"))[::55]
    assert assert_equal_to_openface(tmp_path, paths, [64]) >= 200


def test_the_orientation_that_a_camera_noted_is_undone(tmp_path):
    upright = Image.fromarray(face_photo())
    # What turns the stored picture upright is what the orientation says.
    undone = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = {1: upright} | {
        number: upright.transpose(step) for number, step in undone.items()
    }
    paths = [tmp_path / f"{number}.png" for number in stored]
    for path, (number, picture) in zip(paths, stored.items(), strict=True):
        exif = Image.Exif()
        exif[274] = number
        picture.save(path, exif=exif)
    first, *others = aligned_by_us(tmp_path, paths, "innerEyesAndBottomLip", 64)
    assert len(others) == 7
    assert all(np.array_equal(first, other) for other in others)


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
    matrix = geometry.affine(points, landmark_set, size)
    arrived = np.column_stack([chosen, np.ones(3)]) @ matrix.T
    # Five digits of the places, and float64 arithmetic with coordinates to 2000.
    assert np.allclose(arrived, np.array(places) * size, atol=1e-5 * size + 1e-3)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_larger_crop_shows_what_the_smaller_shows(factor):
    # On a slope bilinear sampling is exact, and so is the mean of what a pixel of the
    # smaller crop covers of the larger: half a pixel off would be seen.
    y, x = np.mgrid[:120, :120].astype(np.float32)
    slopes = np.stack([x, 2.0 * y, 255.0 - x - y], axis=-1)
    matrix = np.array([[0.13, 0.04, -4.7], [-0.03, 0.15, -1.7]])
    size = 12
    larger = geometry.warp(slopes, geometry.enlarged(matrix, factor), factor * size)
    blocks = larger.reshape(size, factor, size, factor, 3).mean(axis=(1, 3))
    smaller = geometry.warp(slopes, matrix, size).astype(float)
    # `warp` gives whole grey levels, a mean of several of them; half a pixel of the
    # larger crop is as much as 2 grey levels.
    assert np.abs(blocks - smaller).max() < 1.1
    assert np.abs((blocks - smaller).mean(axis=(0, 1))).max() < 0.3


def test_landmarks_of_another_model_are_refused():
    with pytest.raises(ValueError, match="68"):
        geometry.affine(np.zeros((5, 2)), "outerEyesAndNose", 64)


def test_the_crop_is_bilinear_and_black_outside_the_photo():
    photo = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    half_right = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]])
    crop = geometry.warp(photo, half_right, 24)
    between = (photo[:, :-1].astype(int) + photo[:, 1:]) / 2
    assert np.abs(crop[:20, 1:20] - between).max() <= 1
    assert not crop[20:].any()
    assert not crop[:, 21:].any()


@pytest.mark.parametrize("shift", [(0, 0), (7, -3), (-9, 12), (45, -50)])
def test_a_mirrored_border_is_the_photo_reflected_at_its_outermost_pixels(shift):
    photo, size, (right, down) = noise(18, 13), 32, shift
    matrix = np.array([[1.0, 0.0, right], [0.0, 1.0, down]])
    # np.pad's `reflect` repeats no outermost pixel either, and goes on for ever.
    margin = 90
    endless = np.pad(photo, ((margin, margin), (margin, margin), (0, 0)), "reflect")
    top, left = margin - down, margin - right
    expected = endless[top : top + size, left : left + size]
    assert np.array_equal(geometry.warp(photo, matrix, size, "mirror"), expected)


def test_turned_crops_are_mirrored_too_and_the_photo_is_as_with_a_black_border():
    photo, size, margin = noise(40, 30), 48, 60
    matrix = np.array([[0.9, -0.4, 12.0], [0.5, 1.1, -4.0]])
    endless = np.pad(photo, ((margin, margin), (margin, margin), (0, 0)), "reflect")
    from_endless = matrix.copy()
    from_endless[:, 2] -= margin * matrix[:, :2].sum(axis=1)
    mirrored = geometry.warp(photo, matrix, size, "mirror")
    expected = geometry.warp(endless, from_endless, size)
    # Places are in 32nds of a pixel, and another shift rounds some to the next.
    difference = np.abs(mirrored.astype(int) - expected)
    assert difference.max() <= 255 / 32 * 2
    assert (difference == 0).mean() > 0.9
    black = geometry.warp(photo, matrix, size)
    assert np.array_equal(black, geometry.warp(photo, matrix, size, "black"))
    inside = mask_within_photo((40, 30), matrix, size)
    assert 0.2 < inside.mean() < 0.9
    assert np.array_equal(mirrored[inside], black[inside])
    assert not black[cv2.erode((~inside).astype(np.uint8), np.ones((5, 5))) > 0].any()


def turned(ratio, degrees=0.0):
    """Map to a crop of 64 pixels, of a photo with so many pixels for one of it."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn / ratio, np.full(2, 31.5) - turn.sum(axis=1) * 31.5])


@pytest.mark.parametrize("degrees", [0.0, 20.0])
@pytest.mark.parametrize("ratio", [4.0, 5.3, 8.0, 16.0])
def test_patterns_finer_than_a_crop_turn_grey_and_not_into_coarse_ones(ratio, degrees):
    y, x = np.mgrid[: int(64 * ratio), : int(64 * ratio)]
    stripes = np.where((x + y) % 3 == 0, 255, 0).astype(np.uint8)
    photo = np.repeat(stripes[..., None], 3, axis=-1)
    inner = np.s_[20:44, 20:44]

    crop = geometry.warp(photo, turned(ratio, degrees), 64)[inner].astype(float)

    sampled = cv2.warpAffine(photo, turned(ratio, degrees), (64, 64))[inner]
    assert sampled.std() > 40
    assert crop.std() < sampled.std() / 3
    assert crop.mean() == pytest.approx(85, abs=3)


@pytest.mark.parametrize("ratio", [0.5, 1.5, 2.67, 3.99])
def test_faces_up_to_four_times_their_crop_are_sampled_as_by_openface(ratio):
    photo = noise(200, 260)
    matrix = turned(ratio, 7.0)
    expected = cv2.warpAffine(photo, matrix, (64, 64))
    assert np.array_equal(geometry.warp(photo, matrix, 64), expected)


@pytest.mark.parametrize("ratio", [4.0, 5.5, 7.0, 11.2])
def test_a_face_that_is_averaged_is_where_it_would_be_sampled(ratio):
    y, x = np.mgrid[: int(64 * ratio), : int(64 * ratio) + 3].astype(np.float32)
    slope = 250.0 / x.max()
    photo = np.stack([slope * x, slope * y, 250.0 - slope * x], axis=-1)
    matrix = turned(ratio, 10.0)
    inner = np.s_[16:48, 16:48]

    crop = geometry.warp(photo, matrix, 64)[inner].astype(float)

    inverse = np.linalg.inv(np.vstack([matrix, (0.0, 0.0, 1.0)]))
    row, column = np.mgrid[16:48, 16:48]
    at_x, at_y, _ = np.tensordot(inverse, [column, row, np.ones_like(row)], axes=1)
    true = np.stack([slope * at_x, slope * at_y, 250.0 - slope * at_x], axis=-1)
    # Grey levels are cut off below the dot; a quarter of a pixel of the crop is one.
    assert np.abs(crop - (true - 0.5)).max() < 1.0


def test_a_photo_is_never_shrunk_to_nothing():
    assert geometry.warp(noise(5, 9), turned(1e6), 64).shape == (64, 64, 3)
    assert geometry.shrink(noise(5, 9), 4).shape == (2, 3, 3)


POINTS = st.lists(
    st.tuples(st.integers(-500, 500), st.integers(-500, 500)),
    min_size=5,
    max_size=5,
    unique=True,
)


@given(POINTS, POINTS)
def test_five_points_are_fitted_by_the_least_squares_similarity(source, target):
    source, target = np.float32(source), np.float32(target)
    # x' = a x - b y + c and y' = b x + a y + d, as one linear system.
    one, nothing = np.ones(5), np.zeros(5)
    x, y = source.T.astype(float)
    system = np.vstack(
        [
            np.column_stack([x, -y, one, nothing]),
            np.column_stack([y, x, nothing, one]),
        ]
    )
    (a, b, c, d), *_ = np.linalg.lstsq(system, target.T.astype(float).ravel())
    expected = [[a, -b, c], [b, a, d]]
    assert np.allclose(geometry.fit(source, target), expected, atol=1e-6, rtol=1e-6)


def test_five_points_of_a_turned_template_come_to_their_places():
    places = geometry.target_points("five_point", 64)
    turn = np.float32([[0.6, -0.8], [0.8, 0.6]])
    landmarks = 3 * places @ turn.T + [100, 200]
    matrix = geometry.affine(landmarks, "five_point", 64)
    arrived = np.column_stack([landmarks, np.ones(5)]) @ matrix.T
    assert np.allclose(arrived, places, atol=1e-3)  # float32


def test_five_points_in_one_place_give_no_map():
    matrix = geometry.affine(np.ones((5, 2)), "five_point", 64)
    assert not np.isfinite(matrix).all()


def test_the_corners_of_the_eyes_are_the_same_in_both_models():
    points = np.random.default_rng(0).normal(size=(68, 2))
    five = points[geometry.LANDMARK_INDICES["five_point"]]
    corners = geometry.eye_corners(points, "innerEyesAndBottomLip")
    assert np.array_equal(geometry.eye_corners(five, "five_point"), corners)
    assert np.array_equal(corners, points[[36, 39, 42, 45]])


@pytest.mark.parametrize("shape", [(64, 96), (97, 64), (64, 64)])
def test_a_square_crop_averages_blocks_of_the_middle(shape):
    photo = noise(*shape)
    crop, matrix = geometry.square_crop(photo, 16)
    top, left = (shape[0] - 64) // 2, (shape[1] - 64) // 2
    square = photo[top : top + 64, left : left + 64].astype(float)
    means = square.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(crop - means).max() <= 0.5
    # The middle of a block of four pixels is the middle of a pixel.
    middle = matrix @ [left + 4 * 5 + 1.5, top + 4 * 9 + 1.5, 1.0]
    assert np.allclose(middle, [5, 9])


def test_a_square_of_the_right_size_is_left_as_it_is():
    photo = noise(32, 32)
    crop, matrix = geometry.square_crop(photo, 32)
    assert np.array_equal(crop, photo)
    assert np.array_equal(matrix, [[1, 0, 0], [0, 1, 0]])


def test_a_small_square_is_enlarged_where_its_map_says():
    photo = noise(8, 10)
    crop, matrix = geometry.square_crop(photo, 32)
    inner = np.s_[4:-4, 4:-4]  # the edge is repeated, the map is black beyond it
    assert np.abs(crop.astype(int) - geometry.warp(photo, matrix, 32))[inner].max() <= 2


@pytest.mark.parametrize("size", [5, 16, 30, 64])
def test_hidden_pixels_have_a_share_in_all_that_is_made_of_them(size):
    random = np.random.default_rng(size)
    hidden = random.random((30, 41)) < 0.02
    share = geometry.share_of_square(hidden, size)
    for value in (0, 255):
        photo = np.where(hidden, np.uint8(value), np.uint8(128))[..., None].repeat(3, 2)
        crop, _ = geometry.square_crop(photo, size)
        assert (crop[share == 0.0] == 128).all()
    assert (share > 0.0).any()


def test_a_window_of_a_photo_has_a_map_of_its_own():
    matrix = np.array([[0.5, 0.1, -3.0], [-0.1, 0.5, 7.0]])
    window = np.s_[5:40, 11:50]
    np.testing.assert_allclose(
        geometry.applied(geometry.of_window(matrix, window), np.zeros((1, 2))),
        geometry.applied(matrix, np.array([[11.0, 5.0]])),
    )
