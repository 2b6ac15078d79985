"""A completed face ends at its jaw: what lies beside it is the photo's to continue."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from facefill.completion.face_outlines import outlines
from facefill.completion.faces import AlignedFace, FaceInPhoto, face_with_hole
from facefill.completion.result import completed_face, compose
from facefill.imaging.degradations import Inpainting
from facefill.imaging.geometry import affine, applied, warp
from facefill.imaging.photos import decode_photo
from facefill.inversion.measurement import Measurement
from facefill.preparation import detection
from photos import noise
from restoring import candidate

PORTRAITS = Path(__file__).parents[1] / "portraits"
NAMES = [f"face-000{number}.jpg" for number in range(1, 9)]
SIZE = 64
MAGENTA = (255, 0, 255)


def portrait(name):
    photo = decode_photo((PORTRAITS / name).read_bytes())
    (box,) = detection.find_faces(photo, 1)[:1]
    return photo, detection.find_landmarks(photo, box).astype(float)


def matrix_of(landmarks):
    return affine(landmarks, "innerEyesAndBottomLip", SIZE)


def face_of(photo, matrix):
    everything = np.ones((SIZE, SIZE), bool)
    crop = warp(photo, matrix, SIZE)
    return FaceInPhoto(
        Measurement("a", crop, everything, Inpainting()), matrix, everything
    )


def jaw_of(landmarks, shape):
    """Distance of each pixel to what the jaw encloses, in pixels."""
    drawn = np.ones(shape, np.uint8)
    cv2.fillPoly(drawn, [np.round(landmarks[:17]).astype(np.int32)], 0)
    return cv2.distanceTransform(drawn, cv2.DIST_L2, 5)


@pytest.mark.parametrize("name", NAMES)
def test_the_outline_is_that_of_dlibs_landmarks(name):
    photo, landmarks = portrait(name)
    face = face_of(photo, matrix_of(landmarks))
    within = outlines(photo, np.ones(photo.shape[:2], bool), [face])
    away = jaw_of(landmarks, photo.shape[:2])
    slack = 5.0 * face.enlargement
    # Below the ears; above them all between them is the face's.
    below = np.arange(len(photo))[:, None] > landmarks[[1, 15], 1].max()

    assert within[away == 0.0].mean() > 0.97
    assert not (within & below & (away > slack)).any()
    column, row = np.rint(landmarks[17:]).astype(int).T
    assert within[row, column].all()


def test_what_is_hidden_of_a_photo_does_not_move_the_outline():
    photo, landmarks = portrait(NAMES[0])
    face = face_of(photo, matrix_of(landmarks))
    known = np.ones(photo.shape[:2], bool)
    known[:, photo.shape[1] // 2 :] = False
    painted = np.where(known[..., None], photo, 0).astype(np.uint8)

    np.testing.assert_array_equal(
        outlines(photo, known, [face]), outlines(painted, known, [face])
    )


def test_of_a_face_that_is_not_seen_the_whole_crop_is_taken():
    photo = noise(96, 96)
    face = face_of(photo, np.array([[1.0, 0.0, -16.0], [0.0, 1.0, -16.0]]))
    within = outlines(photo, np.ones((96, 96), bool), [face])

    np.testing.assert_array_equal(within, face.crop((96, 96)))


def test_the_middle_of_the_first_pixel_of_a_crop_is_half_a_pixel_from_its_edge():
    face = face_of(noise(96, 96), np.eye(2, 3))
    size = len(face.measurement.mask)
    np.testing.assert_allclose(applied(face.to_square, np.zeros((1, 2))), 0.5 / size)


@pytest.mark.parametrize("name", NAMES[:4])
def test_beside_a_jaw_nothing_of_what_was_generated_is_left(name):
    photo, landmarks = portrait(name)
    matrix = matrix_of(landmarks)
    hole = np.zeros(photo.shape[:2], bool)
    hole[:, round(landmarks[30, 0]) :] = True
    crop = warp(photo, matrix, SIZE)
    found = face_with_hole(AlignedFace("a", crop, matrix, is_square=False), hole)
    # A face as it was, on a ground of magenta.
    known = np.ones(photo.shape[:2], bool)
    outline = outlines(photo, known, [face_of(photo, matrix)])
    drawn = np.where(outline[..., None], photo, np.uint8(MAGENTA)).astype(np.uint8)
    generated = candidate(warp(drawn, matrix, SIZE), SIZE)
    face = completed_face(found, [generated])

    def magenta(outside):
        result = compose(photo, hole, [face], outside).photo.astype(int)
        likeness = result[..., [0, 2]].min(axis=-1) - result[..., 1]
        return int((likeness > 100).sum())

    # With nothing but the face asked for, it fills its crop.
    assert magenta("leave") > 20 * max(magenta("inpaint"), 1)
