import numpy as np
import pytest

from facefill.evaluation.bootstrap import bootstrap_interval


def test_the_interval_of_a_mean_is_about_two_standard_errors_to_each_side():
    values = np.random.default_rng(0).normal(5.0, 2.0, 400)
    low, high = bootstrap_interval(values, 4000, seed=1)

    error = values.std() / 20.0
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    draw = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        low, high = bootstrap_interval(draw.exponential(3.0, 60), 300, seed)
        held += low <= 3.0 <= high

    # Binomial of 200 at 0.95 has a deviation of 3; skewed values lose some more.
    assert 175 <= held <= 200


@pytest.mark.parametrize("count", [2, 3, 4, 8, 16, 29, 30])
def test_intervals_of_few_faces_hold_as_often_as_they_say(count):
    # As skewed as PSNR over a hole is, in dB.
    draw = np.random.default_rng(count)
    held = 0
    for seed in range(1000):
        values = 15.0 + 2.5 * draw.gamma(9.0, 1.0, count) ** 0.5
        low, high = bootstrap_interval(values, 300, seed)
        held += low <= 22.397 <= high
    # Binomial of 1,000 at 0.95 has a deviation of 7; from 30 on it is the bootstrap.
    assert 920 <= held <= 975


def test_a_single_face_bounds_nothing():
    assert bootstrap_interval(np.array([3.0]), 100, seed=3) == (3.0, 3.0)


def test_equal_values_leave_no_doubt():
    assert bootstrap_interval(np.full(9, 2.5), 100, seed=3) == (2.5, 2.5)


def test_the_interval_of_a_median_does_not_see_outliers():
    values = np.random.default_rng(0).normal(5.0, 2.0, 400)
    values[:5] = 1e6
    low, high = bootstrap_interval(values, 2000, 1, np.median)
    # The median of a normal distribution has 1.253 times the error of its mean; how
    # dense the values happen to be about it changes that by a third.
    error = 1.253 * 2.0 / 20.0
    assert 0.65 < (high - low) / (2 * 1.96 * error) < 1.35
    assert low < np.median(values) < high
    assert bootstrap_interval(values, 2000, 1)[0] > 1000.0
