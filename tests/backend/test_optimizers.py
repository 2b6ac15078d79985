import keras
import numpy as np
import pytest

from facefill.backend.optimizers import AdamRule


def test_steps_equal_those_of_an_independent_adam():
    target = np.array([3.0, -2.0, 0.5], np.float32)
    variable = keras.Variable(np.zeros(3, np.float32))
    theirs = keras.optimizers.Adam(0.1, beta_1=0.5, beta_2=0.99, epsilon=1e-8)
    theirs.build([variable])
    ours = AdamRule(0.1, beta_1=0.5, beta_2=0.99, epsilon=1e-8)
    value, moments = np.zeros(3, np.float32), (np.zeros(3), np.zeros(3))
    moments = tuple(moment.astype(np.float32) for moment in moments)
    for step in range(20):
        gradient = 2.0 * (np.asarray(value) - target)
        value, moments = ours.update(value, gradient, moments, step)
        theirs.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        assert np.asarray(value) == pytest.approx(np.asarray(variable), abs=2e-5)


def test_the_first_step_is_the_learning_rate_against_the_sign_of_the_gradient():
    zeros = np.zeros(2, np.float32)
    value, _ = AdamRule(0.25).update(
        zeros, np.array([1e-3, -7.0], np.float32), (zeros, zeros), 0
    )
    assert np.asarray(value) == pytest.approx([-0.25, 0.25], rel=1e-4)
