"""What draws say of a face, and how well a sum of them says it."""

import numpy as np
import pytest

from facefill.inversion.hmc.chains import Draws
from facefill.inversion.hmc.summary import (
    HIGH,
    LOW,
    diagnose,
    draws_to_show,
    error_scales,
    predictive_quantile,
    summarise,
)

SIZE = 4


def draws(chains=3, count=40, seed=0):
    draw = np.random.default_rng(seed)
    return Draws(
        variables=draw.standard_normal((chains, count, 5)).astype(np.float32),
        energies=draw.uniform(100.0, 120.0, (chains, count)).astype(np.float32),
        acceptance=np.array([0.7, 0.8, 0.9]),
        step_sizes=np.array([0.1, 0.2, 0.3]),
        divergences=2,
    )


def pictures(count, seed=0):
    shape = (count, SIZE, SIZE, 3)
    return np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)


@pytest.mark.parametrize("probability", [0.05, 0.3, 0.5, 0.95])
def test_a_quantile_with_noise_is_that_of_many_noisy_draws(probability):
    levels = np.random.default_rng(0).normal(120.0, 9.0, (60, 2)).astype(np.float32)
    noise = np.random.default_rng(1).laplace(0.0, 12.0, (20000, 60, 2))

    found = predictive_quantile(levels, 12.0, probability)

    expected = np.quantile(levels + noise, probability, axis=(0, 1))
    assert found == pytest.approx(expected, abs=0.2)


def test_a_quantile_of_one_draw_is_that_of_the_noise():
    low = predictive_quantile(np.full((1, 1), 100.0, np.float32), 10.0, LOW)
    high = predictive_quantile(np.full((1, 1), 100.0, np.float32), 10.0, HIGH)

    assert low[0] == pytest.approx(100.0 + 10.0 * np.log(0.1), abs=0.02)
    assert high[0] == pytest.approx(100.0 - 10.0 * np.log(0.1), abs=0.02)


def test_the_scale_of_an_error_grows_with_the_distance_from_what_is_known():
    mask = np.ones((9, 9), bool)
    mask[2:7, 2:7] = False

    scales = error_scales(mask, 11.0, 0.5)

    assert scales.shape == (9, 9, 1)
    assert np.all(scales[mask] == 11.0)
    assert scales[2, 4, 0] == pytest.approx(11.0)
    assert scales[3, 4, 0] == pytest.approx(11.0 * 2.0**0.5)
    assert scales[4, 4, 0] == pytest.approx(11.0 * 3.0**0.5)
    assert np.all(error_scales(mask, 11.0, 0.0) == 11.0)
    assert np.all(error_scales(np.zeros((9, 9), bool), 11.0, 0.5) == 11.0)


def test_an_interval_is_as_wide_as_the_scale_of_its_own_pixel():
    one = np.full((1, SIZE, SIZE, 3), 100.0, np.float32)
    scales = np.linspace(2.0, 20.0, SIZE * SIZE, dtype=np.float32)
    scales = scales.reshape(SIZE, SIZE, 1)

    low, high = (predictive_quantile(one, scales, level) for level in (LOW, HIGH))

    expected = np.broadcast_to(scales * np.log(10.0), low.shape)
    assert high - 100.0 == pytest.approx(expected, abs=0.02)
    assert 100.0 - low == pytest.approx(expected, abs=0.02)


def test_a_summary_has_the_moments_of_all_draws_in_grey_levels():
    made = pictures(120)

    posterior = summarise(draws(), made, noise=5.0)

    levels = (made.astype(np.float64) + 1.0) * 127.5
    assert posterior.mean == pytest.approx(levels.mean(axis=0), abs=1e-3)
    assert posterior.deviation == pytest.approx(levels.std(axis=0), abs=1e-3)
    assert np.all(posterior.low < posterior.mean)
    assert np.all(posterior.high > posterior.mean)
    assert posterior.frames.shape == (24, SIZE, SIZE, 3)
    assert len(summarise(draws(), made[:7], noise=5.0).frames) == 7


def test_a_diagnosis_is_of_the_worst_coordinate_and_the_energy():
    made = draws()
    spoilt = made.variables.copy()
    spoilt[1, :, 3] += 4.0

    fine, bad = (
        diagnose(made),
        diagnose(Draws(spoilt, *list(vars(made).values())[1:])),
    )

    assert fine.r_hat < 1.2
    assert bad.r_hat > 1.5
    assert bad.effective_size < 10 < fine.effective_size
    assert fine.acceptance == pytest.approx(0.8)
    assert fine.step_size == pytest.approx(0.2)
    assert fine.divergences == 2
    energies = made.energies + np.array([0.0, 50.0, 0.0], np.float32)[:, None]
    stuck = Draws(made.variables, energies, *list(vars(made).values())[2:])
    assert diagnose(stuck).r_hat > 1.5


def test_the_draw_of_the_lowest_energy_is_shown_first_and_none_twice():
    made = draws()

    rows = draws_to_show(made, 6)

    assert rows[0] == made.energies.argmin()
    assert len(set(rows)) == 6
    assert set(rows[1:] // 40) == {0, 1, 2}
    assert len(draws_to_show(made, 1)) == 1
