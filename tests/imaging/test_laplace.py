import numpy as np
import pytest

from facefill.imaging.laplace import membrane, solve_laplace
from facefill.imaging.masks import build_mask
from gradients import least_squares


def noise(shape, seed=7):
    draw = np.random.default_rng(seed)
    return draw.uniform(-30, 30, (*shape, 3)).astype(np.float32)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_small_membrane_solves_laplaces_equation(share):
    values = noise((17, 20))
    known = np.random.default_rng(8).random((17, 20)) < share
    known[0, 0] = True

    found = membrane(values, known)

    exact = least_squares(values.astype(float), np.zeros((17, 20, 3)), known)
    np.testing.assert_array_equal(found[known], values[known])
    # Rounded to float32.
    np.testing.assert_allclose(found, exact, atol=1e-5)


@pytest.mark.parametrize("shape", [(130, 66), (97, 180)])
def test_a_large_membrane_is_close_to_the_exact_one(shape):
    values = noise(shape)
    known = np.ones(shape, bool)
    known[1:-20, 15:60] = False

    found = membrane(values, known)

    exact = solve_laplace(np.where(known[..., None], values, 0), known)
    np.testing.assert_array_equal(found[known], values[known])
    # Values of one pixel's width are the hardest case; their range is 60.
    assert np.abs(found - exact).max() <= 0.05 * 60
    assert np.abs(found - exact)[~known].mean() <= 0.005 * 60


@pytest.mark.parametrize("side", [50, 150])
def test_harmonic_functions_are_their_own_membranes(side):
    y, x = np.mgrid[:side, :side] / side
    # Real parts of powers of x + iy.
    values = 40 * np.stack([x, x * x - y * y, x**3 - 3 * x * y * y], axis=-1)
    known = np.ones((side, side), bool)
    known[1:-1, 1:-1] = False

    found = membrane(values.astype(np.float32), known)

    # Differences over whole pixels are harmonic too, for powers up to three.
    if side <= 96:
        np.testing.assert_allclose(found, values, atol=1e-4)
    assert np.abs(found - values).max() <= 0.02 * 120


def test_what_is_unknown_is_not_read():
    values, other = noise((120, 120)), noise((120, 120), seed=9)
    known = build_mask("random", 120, random_fraction=0.4)

    found = membrane(np.where(known[..., None], values, np.float32(np.nan)), known)

    changed = np.where(known[..., None], values, other)
    np.testing.assert_array_equal(membrane(changed, known), found)


@pytest.mark.parametrize("side", [20, 120])
def test_a_membrane_between_equal_values_is_flat(side):
    known = build_mask("center", side)
    values = np.full((side, side, 2), 7.25, np.float32)

    np.testing.assert_allclose(membrane(values, known), values, rtol=1e-6)


@pytest.mark.parametrize("side", [20, 120])
def test_a_membrane_without_known_values_is_zero(side):
    values = np.full((side, side, 3), 9, np.float32)

    assert not membrane(values, np.zeros((side, side), bool)).any()


@pytest.mark.parametrize("shape", [(20, 20), (120, 80)])
def test_a_membrane_without_a_hole_is_what_it_was(shape):
    values = noise(shape)

    np.testing.assert_array_equal(membrane(values, np.ones(shape, bool)), values)
