import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facefill.errors import DataError, MaskError
from facefill.evaluation.baselines import (
    bicubic,
    biharmonic,
    mean_face,
    navier_stokes,
    nearest_face,
    non_local_means,
    telea,
)
from facefill.imaging.masks import build_mask

METHODS = [telea, navier_stokes]


def random_faces(num, size=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (num, size, size, 3), np.uint8)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(
    name=st.sampled_from(["center", "random", "left", "grid"]),
    seed=st.integers(0, 99),
)
def test_inpainting_keeps_known_pixels_and_reads_no_hidden_one(method, name, seed):
    face, other = random_faces(2, seed=seed)
    mask = build_mask(name, 16, seed=seed)

    painted = method(face, mask)

    np.testing.assert_array_equal(painted[mask], face[mask])
    changed = np.where(mask[..., None], face, other)
    np.testing.assert_array_equal(method(changed, mask), painted)


@pytest.mark.parametrize("method", METHODS)
def test_inpainting_continues_a_flat_colour(method):
    face = np.full((32, 32, 3), (200, 120, 40), np.uint8)

    painted = method(face, build_mask("center", 32))

    # Telea's method loses a little to rounding in each of the 8 rings of the hole.
    assert np.abs(painted.astype(int) - face).max() <= 4


@pytest.mark.parametrize("method", METHODS)
def test_inpainting_needs_a_known_pixel(method):
    with pytest.raises(MaskError, match="nothing to continue"):
        method(random_faces(1)[0], np.zeros((16, 16), bool))


@pytest.mark.parametrize("num", [1, 3, 2500])
def test_the_mean_face_is_the_rounded_mean(num):
    faces = random_faces(num, size=4)

    expected = np.round(faces.astype(np.float64).mean(axis=0))
    np.testing.assert_array_equal(mean_face(faces), expected)


def test_no_faces_have_no_mean():
    with pytest.raises(DataError, match="no face"):
        mean_face(random_faces(0))


def test_bicubic_enlargement_reads_the_means_of_blocks_only():
    face = random_faces(1)[0]
    turned = face.reshape(4, 4, 4, 4, 3)[:, ::-1, :, ::-1].reshape(face.shape)

    np.testing.assert_array_equal(bicubic(face, 4), bicubic(turned, 4))
    assert (bicubic(face, 4) != face).any()


def test_bicubic_enlargement_of_a_ramp_is_the_ramp_away_from_the_edges():
    ramp = np.broadcast_to(
        np.arange(32, dtype=np.uint8)[:, None, None] * 4, (32, 32, 3)
    )

    enlarged = bicubic(ramp, 4)

    # OpenCV's kernel (a = -0.75) is off by 0.75 grey levels here, the means are
    # whole numbers and a half, and the result is rounded.
    difference = enlarged[8:-8].astype(int) - ramp[8:-8]
    assert np.abs(difference).max() <= 2


def test_biharmonic_filling_keeps_known_pixels_and_reads_no_hidden_one():
    face, other = random_faces(2)
    mask = build_mask("center", 16)

    painted = biharmonic(face, mask)

    np.testing.assert_array_equal(painted[mask], face[mask])
    changed = np.where(mask[..., None], face, other)
    np.testing.assert_array_equal(biharmonic(changed, mask), painted)


def test_biharmonic_filling_continues_a_slope():
    # A plane is biharmonic.
    y, x = np.mgrid[:16, :16]
    face = np.repeat((40 + 5 * x + 3 * y)[..., None], 3, axis=2).astype(np.uint8)

    painted = biharmonic(face, build_mask("center", 16))

    assert np.abs(painted.astype(int) - face).max() <= 1


def test_the_nearest_face_is_the_one_that_fits_the_known_pixels():
    faces = random_faces(300)
    mask = build_mask("center", 16)
    face = faces[123].copy()
    face[mask] = np.clip(face[mask].astype(int) + 3, 0, 255)
    face[~mask] = 0

    completed = nearest_face(face, mask, faces)

    np.testing.assert_array_equal(completed[~mask], faces[123][~mask])
    np.testing.assert_array_equal(completed[mask], face[mask])


def test_the_nearest_face_needs_known_pixels_and_faces():
    face = random_faces(1)[0]
    with pytest.raises(MaskError, match="no pixel is known"):
        nearest_face(face, np.zeros((16, 16), bool), random_faces(3))
    with pytest.raises(DataError, match="no face"):
        nearest_face(face, build_mask("center", 16), random_faces(0))
    with pytest.raises(MaskError, match="nothing to continue"):
        biharmonic(face, np.zeros((16, 16), bool))


def test_non_local_means_take_noise_from_flat_halves_and_leave_their_edge():
    face = np.full((64, 64, 3), 90, np.uint8)
    face[:, 32:] = 170
    noisy = face + np.random.default_rng(0).normal(0.0, 20.0, face.shape)
    noisy = np.clip(np.round(noisy), 0, 255).astype(np.uint8)

    cleaned = non_local_means(noisy, 20.0)

    before, after = (np.std(each.astype(float) - face) for each in (noisy, cleaned))
    assert after < 0.5 * before
    assert np.abs(cleaned[:, 40:].mean() - 170) < 3
