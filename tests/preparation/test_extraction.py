"""What is cut out of a photo is what was asked for, or has a reason."""

import cv2
import numpy as np
import pytest

from facefill.imaging.masks import mask_within_photo
from facefill.parameters import AlignOptions
from facefill.preparation import detection, extraction
from facefill.preparation.extraction import extract
from photos import face_photo, noise


def test_a_whole_photo_is_taken_if_it_is_a_square():
    found = extract(noise(32, 32), AlignOptions(method="none"), 16)
    (face,) = found.faces
    assert face.pixels.shape == (16, 16, 3)
    assert (face.box, face.landmarks, found.num_faces) == (None, None, 0)
    found = extract(noise(32, 33), AlignOptions(method="none"), 16)
    assert (found.reason, found.faces) == ("not_square", [])


def test_the_middle_of_any_photo_can_be_taken():
    photo = noise(16, 48)
    (face,) = extract(photo, AlignOptions(method="center_crop"), 16).faces
    assert np.array_equal(face.pixels, photo[:, 16:32])


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"min_eye_distance": 500.0}, "too_small"),
        ({"max_stretch": 1.0}, "stretched"),
        ({"min_inside": 1.0}, "beyond_edge"),
    ],
)
def test_a_face_beyond_a_limit_is_told_of_but_not_cut_out(limit, reason):
    cut = np.ascontiguousarray(face_photo()[:, 75:])  # part of the cheek is missing
    assert extract(cut, AlignOptions(), 64).faces[0].reason == ""
    (face,) = extract(cut, AlignOptions(**limit), 64).faces
    assert (face.reason, face.pixels) == (reason, None)
    assert face.matrix.shape == (2, 3)


def test_what_a_crop_shows_beyond_the_photo_is_black_or_the_photo_mirrored():
    cut = np.ascontiguousarray(face_photo()[:, 75:])
    (black,) = extract(cut, AlignOptions(), 64).faces
    (mirrored,) = extract(cut, AlignOptions(border="mirror"), 64).faces
    assert np.array_equal(black.matrix, mirrored.matrix)
    inside = mask_within_photo(cut.shape[:2], black.matrix, 64)
    assert 0.5 < inside.mean() < 0.95
    assert np.array_equal(black.pixels[inside], mirrored.pixels[inside])
    beyond = cv2.erode((~inside).astype(np.uint8), np.ones((3, 3))) > 0
    assert not black.pixels[beyond].any()
    width = cut.shape[1]
    endless = np.hstack([cut[:, :0:-1], cut])
    moved = black.matrix.copy()
    moved[:, 2] -= (width - 1) * moved[:, 0]
    expected = cv2.warpAffine(endless, moved, (64, 64)).astype(int)
    # Places are in 32nds of a pixel.
    difference = np.abs(mirrored.pixels - expected)[beyond]
    assert difference.max() <= 255 / 32 * 2
    assert mirrored.pixels[beyond].mean() > 20


def test_the_cascade_cuts_out_what_the_exact_search_does():
    photo = cv2.resize(face_photo(), (880, 880))
    exact, cascade = (
        extract(photo, AlignOptions(detector=name), 64).faces[0]
        for name in ("exact", "cascade")
    )
    places = np.column_stack([exact.landmarks[[39, 42, 57]], np.ones(3)])
    moved = places @ cascade.matrix.T - places @ exact.matrix.T
    assert np.linalg.norm(moved, axis=1).max() < 2.0


def test_five_points_give_almost_the_crop_of_the_68():
    options = AlignOptions(landmarks="five_point")
    (five,) = extract(face_photo(), options, 64).faces
    (of_68,) = extract(face_photo(), AlignOptions(), 64).faces
    assert five.landmarks.shape == (5, 2)
    corners = np.array([(0, 0, 1), (220, 0, 1), (0, 220, 1), (220, 220, 1)])
    inside = corners @ five.matrix.T - corners @ of_68.matrix.T
    # Beside a crop of 64 pixels out of about 90.
    assert np.abs(inside).max() < 10


def test_the_model_goes_with_the_landmarks():
    five = extraction.landmark_model(AlignOptions(landmarks="five_point"))
    assert five.num_landmarks == 5
    path = str(detection.landmark_model_path(five))
    options = AlignOptions(landmarks="outerEyesAndNose", landmark_model=path)
    with pytest.raises(Exception, match="places 5 landmarks; 68 are needed"):
        extract(face_photo(), options, 64)
