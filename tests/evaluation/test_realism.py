"""Realism is judged by sets: how linear machines and Gaussians tell them apart."""

import numpy as np
import pytest

from facefill.errors import DataError
from facefill.evaluation.distances import frechet_distance
from facefill.evaluation.realism import (
    LEAST_FACES,
    Realism,
    discriminability,
    frechet_of_few,
)

CHANNELS = 48


def drawn(count, seed=0, shift=0.0):
    descriptors = np.random.default_rng(seed).normal(size=(count, CHANNELS))
    descriptors[:, :6] += shift
    return descriptors


def test_the_distance_of_few_is_that_of_many():
    a, b = drawn(20), drawn(31, 1, 0.7)
    # The other takes roots of eigenvalues that are 0 but for rounding.
    assert frechet_of_few(a, b) == pytest.approx(frechet_distance(a, b), rel=1e-6)
    assert frechet_of_few(a, a) == pytest.approx(0.0, abs=1e-9)


def test_completions_that_are_like_photos_cannot_be_told_from_them():
    said = discriminability(drawn(300), drawn(300, 1), seed=1)
    # Three standard deviations of 300 coins.
    assert said.is_preferred.mean() == pytest.approx(0.5, abs=0.09)
    assert said.errors.mean() == pytest.approx(0.5, abs=0.09)
    assert set(said.is_preferred) == {0.0, 1.0}
    assert set(said.errors) == {0.0, 0.5, 1.0}


def test_completions_that_are_unlike_photos_are_found_out():
    said = discriminability(drawn(100), drawn(100, 1, shift=3.0), seed=1)
    assert said.is_preferred.mean() < 0.03
    assert said.errors.mean() < 0.03


def test_a_machine_judges_no_pair_that_it_has_seen():
    # A hundred channels of noise tell forty pairs apart that were learnt by heart.
    draw = np.random.default_rng(2)
    pair = [draw.normal(size=(40, 300)) for _ in range(2)]
    said = discriminability(*pair, seed=1)
    assert said.errors.mean() > 0.25


def test_what_equals_its_original_is_preferred_half_the_time():
    real = drawn(40)
    said = discriminability(real, real, seed=1)
    assert (said.is_preferred == 0.5).all()
    assert (said.errors == 0.5).all()


def test_the_report_stands_beside_what_photos_reach():
    real, others = drawn(60), drawn(60, 1)
    realism = Realism(real, others, resamples=100, seed=1)
    floor = frechet_distance(real, others)
    perfect = realism.of(real)
    assert perfect["frechet"] == perfect["frechet_floor"] == pytest.approx(floor)
    assert perfect["frechet_excess"] == 0.0
    assert perfect["frechet_excess_low"] == perfect["frechet_excess_high"] == 0.0
    shifted = realism.of(real + np.where(np.arange(CHANNELS) < 6, 2.0, 0.0))
    # The means are 2 apart in six channels, and nothing else is.
    assert shifted["frechet_excess"] == pytest.approx(24.0, abs=6.0)
    assert shifted["frechet_excess_low"] < shifted["frechet_excess"]
    assert shifted["frechet_excess"] < shifted["frechet_excess_high"]
    assert shifted["p_ids_low"] <= shifted["p_ids"] <= shifted["p_ids_high"]
    assert shifted["u_ids"] < perfect["u_ids"]


def test_too_few_faces_are_refused():
    few = drawn(LEAST_FACES - 1)
    with pytest.raises(DataError, match="too few"):
        discriminability(few, few, seed=1)
    with pytest.raises(DataError, match="too few"):
        Realism(drawn(40), few, resamples=100, seed=1)
