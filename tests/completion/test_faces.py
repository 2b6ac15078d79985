"""What a hole of the photo leaves of a face, however large the face is."""

import numpy as np
import pytest

from facefill.completion.faces import (
    AlignedFace,
    face_with_hole,
    face_with_task,
    require_filler,
)
from facefill.errors import MaskError, PhotoError
from facefill.imaging.geometry import square_crop, warp
from facefill.imaging.masks import build_mask
from facefill.imaging.tasks import task_of
from facefill.parameters import CompleteOptions

SIZE = 16
SHAPE = (60, 80)


def matrix_of(scale, left, top, angle=0.0):
    """Map of a photo to its face, ``scale`` pixels of the photo in one of the face."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn / scale
    return np.column_stack([linear, -linear @ (left, top)])


def aligned(matrix, shape=SHAPE, *, size=SIZE, is_square=False):
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    return AlignedFace("a.png", warp(photo, matrix, size), matrix, is_square)


def hole_at(window, shape=SHAPE):
    hole = np.zeros(shape, bool)
    hole[window] = True
    return hole


@pytest.mark.parametrize("seed", range(20))
def test_any_hole_inside_the_crop_of_a_large_face_is_completed(seed):
    # A face of 1,000 pixels, sampled at every 62nd, and a hole of 8.
    shape = (1200, 1300)
    face = aligned(matrix_of(1000 / SIZE, 120.0, 80.0, angle=0.2 * seed - 2.0), shape)
    rng = np.random.default_rng(seed)
    crop = face_with_task(face, task_of("center", SIZE, CompleteOptions()), shape).crop(
        shape
    )
    rows, columns = np.nonzero(crop[:-8, :-8])
    chosen = rng.integers(len(rows))
    row, column = rows[chosen], columns[chosen]
    hole = hole_at(np.s_[row : row + 8, column : column + 8], shape)
    found = face_with_hole(face, hole)
    assert found is not None
    # More than what the edge of the photo hides.
    assert (~found.measurement.mask & face.within(shape)).any()


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_a_hole_beside_the_crop_touches_no_face(scale):
    face = aligned(matrix_of(scale, 20.0, 8.0))
    crop = face_with_task(face, task_of("full", SIZE, CompleteOptions()), SHAPE).crop(
        SHAPE
    )
    assert face_with_hole(face, ~crop) is None
    row, column = np.argwhere(crop)[0]
    assert face_with_hole(face, ~crop | hole_at(np.s_[row, column])) is not None


def test_what_is_known_depends_on_nothing_under_the_hole():
    matrix = matrix_of(2.5, 20.0, 8.0, angle=0.3)
    photo = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), np.uint8)
    hole = hole_at(np.s_[15:30, 30:50])
    painted = np.where(hole[..., None], ~photo, photo)
    faces = [
        face_with_hole(AlignedFace("a", warp(one, matrix, SIZE), matrix, False), hole)
        for one in (photo, painted)
    ]
    known = faces[0].measurement.mask
    assert np.array_equal(known, faces[1].measurement.mask)
    pictures = [face.measurement.face for face in faces]
    assert np.array_equal(pictures[0][known], pictures[1][known])
    assert not np.array_equal(pictures[0], pictures[1])


def test_what_lies_beyond_the_photo_is_not_known():
    # Half of the face is to the left of the photo.
    face = aligned(matrix_of(2.0, -SIZE, 8.0))
    hole = hole_at(np.s_[20:24, 4:8])
    known = face_with_hole(face, hole).measurement.mask
    assert not known[:, : SIZE // 2].any()
    assert known[:, -3:].all()
    shape = face_with_task(face, task_of("top", SIZE, CompleteOptions()), SHAPE)
    expected = build_mask("top", SIZE)
    # A sample on the edge itself may read what is beyond it.
    expected[:, : SIZE // 2 + 1] = False
    assert np.array_equal(shape.measurement.mask, expected)
    # What is unknown there is not to be changed in the photo.
    assert np.array_equal(shape.kept, build_mask("top", SIZE))


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_a_mirrored_border_tells_a_completion_nothing(angle):
    photo = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), np.uint8)
    matrix = matrix_of(2.0, -SIZE, 8.0, angle)
    black, mirrored = (
        AlignedFace("a", warp(photo, matrix, SIZE, border), matrix, is_square=False)
        for border in ("black", "mirror")
    )
    assert (mirrored.pixels != black.pixels).any()
    hole = hole_at(np.s_[20:24, 4:8])
    task = task_of("top", SIZE, CompleteOptions())
    for one, other in (
        (face_with_hole(black, hole), face_with_hole(mirrored, hole)),
        (face_with_task(black, task, SHAPE), face_with_task(mirrored, task, SHAPE)),
    ):
        known, same = one.measurement, other.measurement
        assert np.array_equal(known.mask, same.mask)
        assert np.array_equal(
            known.measure(black.pixels[None]), same.measure(mirrored.pixels[None])
        )


def test_a_hole_at_the_edge_of_the_photo_alone_is_not_made_by_the_edge():
    face = aligned(matrix_of(2.0, -SIZE, 8.0))
    assert face_with_hole(face, hole_at(np.s_[50:, 70:])) is None


def test_a_hole_over_all_of_a_face_is_refused_with_the_cure():
    face = aligned(matrix_of(2.0, 20.0, 8.0))
    with pytest.raises(MaskError, match=r"a\.png.*whole face.*complete\.mask_files"):
        face_with_hole(face, np.ones(SHAPE, bool))


def test_a_square_of_the_photo_is_averaged_and_not_sampled():
    photo = np.random.default_rng(0).integers(0, 256, (64, 90, 3), np.uint8)
    pixels, matrix = square_crop(photo, SIZE)
    face = AlignedFace("a.png", pixels, matrix, is_square=True)
    hole = hole_at(np.s_[21, 34], (64, 90))
    known = face_with_hole(face, hole).measurement.mask
    # Each pixel is the mean of 4x4; the square begins at column 13.
    assert np.argwhere(~known).tolist() == [[21 // 4, (34 - 13) // 4]]
    assert face_with_hole(face, hole_at(np.s_[:, :13], (64, 90))) is None
    everything = face_with_task(
        face, task_of("full", SIZE, CompleteOptions()), (64, 90)
    )
    assert everything.measurement.mask.all()


@pytest.mark.parametrize("scale", [0.5, 1.0, 62.5])
def test_the_enlargement_is_that_of_a_side(scale):
    task = task_of("center", SIZE, CompleteOptions())
    face = face_with_task(aligned(matrix_of(scale, 0.0, 0.0, 0.7)), task, SHAPE)
    assert face.enlargement == pytest.approx(scale)


def test_a_crop_can_be_taken_larger_about_its_middle():
    task = task_of("center", SIZE, CompleteOptions())
    face = face_with_task(aligned(matrix_of(1.0, 30.0, 20.0)), task, SHAPE)
    assert np.array_equal(face.crop(SHAPE), hole_at(np.s_[20:36, 30:46]))
    assert np.array_equal(face.crop(SHAPE, 2.0), hole_at(np.s_[12:44, 22:54]))
    # ``center`` hides the middle half.
    assert np.array_equal(face.hole(SHAPE), hole_at(np.s_[24:32, 34:42]))


def test_a_hole_that_is_left_needs_a_face():
    task = task_of("center", SIZE, CompleteOptions())
    face = face_with_task(aligned(matrix_of(2.0, 20.0, 8.0)), task, SHAPE)
    require_filler([], "", "inpaint")
    require_filler([], "no_face", "inpaint")
    require_filler([face], "", "leave")
    with pytest.raises(MaskError, match=r"complete\.outside"):
        require_filler([], "", "leave")
    with pytest.raises(PhotoError, match=r"complete\.outside") as raised:
        require_filler([], "no_face", "leave")
    assert raised.value.reason == "no_face"
