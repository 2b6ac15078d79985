"""Transitions against distributions and flows that are known exactly."""

from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops

from facefill.inversion.hmc.kernel import (
    DIVERGENT,
    FIRST_STEP_SIZE,
    Hamiltonian,
    TransitionInputs,
)

SCALES = np.array([1.0, 3.0], np.float32)
FACTORS = np.tile(np.diag(SCALES), (500, 1, 1))


def normal_energy(limit=np.inf):
    """U of a normal distribution with deviations ``SCALES``, NaN beyond a limit."""

    def differentiate(weights, position, batch):
        energy = 0.5 * ops.sum(ops.square(position / SCALES), axis=-1)
        energy = ops.where(energy > limit, float("nan"), energy)
        return position / SCALES**2, ops.stack([energy, 0.0 * energy])

    return SimpleNamespace(
        differentiate=differentiate, total=lambda parts: parts[0] + parts[1]
    )


def inputs(draw, count, adapted=0.0):
    return TransitionInputs(
        momenta=draw.standard_normal((count, 2)).astype(np.float32),
        thresholds=np.log(1.0 - draw.random(count)).astype(np.float32),
        jitters=np.ones(count, np.float32),
        adapted=np.float32(adapted),
    )


def begin(kernel, count, seed=0):
    positions = SCALES * np.random.default_rng(seed).standard_normal((count, 2))
    return kernel.begin([], positions.astype(np.float32), None)


def test_chains_stay_distributed_as_they_were():
    kernel, draw = Hamiltonian(normal_energy(), 5, 0.8), np.random.default_rng(1)
    state = begin(kernel, 500)
    state = state._replace(log_step_mean=ops.full((500,), float(np.log(0.7))))
    for _ in range(20):
        state, record = kernel.transition([], state, None, FACTORS, inputs(draw, 500))
    found = np.asarray(state.position)
    assert found.std(axis=0) == pytest.approx(SCALES, rel=0.12)
    assert np.abs(found.mean(axis=0) / SCALES).max() < 0.15
    record = np.asarray(record)
    assert record.shape == (500, 5)
    assert np.array_equal(record[:, :2], found)
    assert record[:, 2] == pytest.approx(0.5 * ((found / SCALES) ** 2).sum(axis=1))


def test_a_small_step_is_accepted_and_a_divergent_one_is_not():
    kernel, draw = Hamiltonian(normal_energy(50.0), 3, 0.8), np.random.default_rng(1)
    for log_step, probability, divergent in ((-5.0, 1.0, 0.0), (5.0, 0.0, 1.0)):
        state = begin(kernel, 500)
        state = state._replace(log_step_mean=ops.full((500,), log_step))
        after, record = kernel.transition([], state, None, FACTORS, inputs(draw, 500))
        assert np.asarray(record)[:, 3].mean() == pytest.approx(probability, abs=0.01)
        assert np.asarray(record)[:, 4].mean() == divergent
        if divergent:
            assert np.array_equal(after.position, state.position)
            assert np.array_equal(after.energy, state.energy)
    assert DIVERGENT == 1000.0


def test_the_warm_up_adapts_the_step_and_what_follows_does_not():
    kernel, draw = Hamiltonian(normal_energy(), 5, 0.8), np.random.default_rng(1)
    state = begin(kernel, 500)
    assert np.exp(np.asarray(state.log_step)) == pytest.approx(FIRST_STEP_SIZE)
    for number in range(1, 80):
        chances = inputs(draw, 500, adapted=number)
        state, record = kernel.transition([], state, None, FACTORS, chances)
    assert np.exp(np.asarray(state.log_step_mean)).mean() > 3 * FIRST_STEP_SIZE
    after, record = kernel.transition([], state, None, FACTORS, inputs(draw, 500))
    assert np.array_equal(after.log_step, state.log_step)
    assert np.array_equal(after.log_step_mean, state.log_step_mean)
    assert np.array_equal(after.shortfall, state.shortfall)
    assert 0.6 < np.asarray(record)[:, 3].mean() < 0.97
