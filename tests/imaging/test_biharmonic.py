"""Level and slope go on into a hole."""

import cv2
import numpy as np
import pytest

from facefill.imaging.biharmonic import bending, biharmonic, continued
from facefill.imaging.laplace import membrane

ROWS, COLUMNS = np.mgrid[:48, :56] - 24.0
HOLE = np.hypot(ROWS, COLUMNS - 3) < 8
# Solutions of the equation that are none of Laplace's.
SOLUTIONS = {
    "parabola": ROWS**2,
    "cubic": ROWS**3 - COLUMNS**3,
    "saddle times slope": COLUMNS * (ROWS**2 + COLUMNS**2),
}


def channels(level):
    return np.repeat(level[..., None], 2, axis=-1).astype(np.float32)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_its_solutions_come_back(name):
    truth = channels(SOLUTIONS[name])
    found = biharmonic(np.where(HOLE[..., None], np.float32(1e6), truth), ~HOLE)
    # Its discrete form is exact for polynomials of third degree.
    np.testing.assert_allclose(found, truth, atol=2e-3 * np.abs(truth).max())


def test_what_it_gives_is_within_the_range_of_what_is_known():
    rng = np.random.default_rng(0)
    values = rng.uniform(50, 60, (*HOLE.shape, 3)).astype(np.float32)
    found = biharmonic(np.where(HOLE[..., None], np.float32(0), values), ~HOLE)
    assert found.min() >= 50
    assert found.max() <= 60


def bent(values, known, reach=99.0, shrinkage=1.0):
    """Bending of values whose membrane is solved for."""
    level = membrane(values, known)
    return bending(values, known, level, reach, shrinkage)


def test_bending_makes_of_a_membrane_what_solves_the_equation():
    truth = channels(SOLUTIONS["parabola"])
    shown = np.where(HOLE[..., None], np.float32(0), truth)
    level = membrane(shown, ~HOLE)
    assert np.abs(level - truth)[HOLE].max() > 20
    np.testing.assert_allclose(level + bent(shown, ~HOLE), truth, atol=1.0)


def test_bending_of_a_smaller_picture_is_much_the_same():
    truth = channels(SOLUTIONS["parabola"])
    shown = np.where(HOLE[..., None], np.float32(0), truth)
    exact, small = (bent(shown, ~HOLE, shrinkage=times) for times in (1.0, 2.0))
    assert np.abs(exact - small)[HOLE].mean() < 0.25 * np.abs(exact)[HOLE].mean()


def test_a_slope_reaches_as_far_as_is_said_and_bends_the_most_near_what_is_known():
    shown = np.where(HOLE[..., None], np.float32(0), channels(SOLUTIONS["parabola"]))
    away = cv2.distanceTransform(HOLE.astype(np.uint8), cv2.DIST_L2, 5)
    added = np.abs(bent(shown, ~HOLE, reach=4.0)).max(axis=-1)
    assert not added[(away == 0) | (away > 4.0)].any()
    assert added[away == 1].mean() > 0.5
    everywhere = np.abs(bent(shown, ~HOLE)).max(axis=-1)
    assert everywhere[away > 4.0].all()


def test_a_hole_that_is_lost_in_the_smaller_picture_bends_nothing():
    nothing_known = np.zeros_like(HOLE)
    shown = channels(ROWS)
    assert not bent(shown, nothing_known, shrinkage=4.0).any()
    assert not bent(shown, ~nothing_known, shrinkage=4.0).any()


def test_noise_of_a_photo_is_no_slope_of_it():
    rng = np.random.default_rng(0)
    photo = rng.normal(60.0, 8.0, (*HOLE.shape, 3)).astype(np.float32)
    shown = np.where(HOLE[..., None], np.float32(255), photo)
    apart = [
        np.abs(fill(shown, ~HOLE)[HOLE] - 60.0).max()
        for fill in (biharmonic, continued)
    ]
    assert apart[1] < 0.6 * apart[0]


def test_a_photo_without_noise_goes_on_with_its_slope():
    truth = channels(SOLUTIONS["parabola"])
    shown = np.where(HOLE[..., None], np.float32(0), truth)
    level = np.abs(membrane(shown, ~HOLE) - truth)[HOLE].mean()
    assert np.abs(continued(shown, ~HOLE) - truth)[HOLE].mean() < 0.5 * level


@pytest.mark.parametrize("place", [(20, 25), (0, 0), np.s_[:1], np.s_[:, -1:]])
def test_next_to_nothing_that_is_known_is_enough(place):
    photo = (
        np.random.default_rng(0).uniform(0, 255, (*HOLE.shape, 3)).astype(np.float32)
    )
    known = np.zeros_like(HOLE)
    known[place] = True
    filled = continued(photo, known)
    assert np.isfinite(filled).all()
    np.testing.assert_allclose(filled[known], photo[known], atol=1e-3)
