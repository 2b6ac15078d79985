import numpy as np
import pytest

from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import to_uint8
from facefill.inversion.descent import Descent
from facefill.inversion.gradient_rule import GradientRule
from facefill.inversion.latents import first_latent
from facefill.inversion.measurement import Measurement
from facefill.inversion.objective import Objective
from searching import LAM, LATENT_SIZE, SIZE, options_of, run, search, targets


def test_the_best_iterate_is_kept_if_asked_for(networks):
    # Steps of this size pass by the latent that the face was made of.
    latent = np.zeros((1, 8), np.float32)
    face = to_uint8(np.asarray(networks[0](latent, training=False)))[0]
    made = [Measurement("made", face, build_mask("center", SIZE))]
    wild = {"iterations": 20, "learning_rate": 0.9, "lam": 0.0}
    (last,) = run(search(networks, **wild), made)
    (best,) = run(search(networks, keep="best", **wild), made)
    assert np.array_equal(last.history, best.history, equal_nan=True)
    met = min(last.history[0].min(), last.contextual)
    assert best.loss == pytest.approx(met, rel=1e-4)
    assert best.loss <= last.loss
    assert last.history[0].argmin() < 19  # and it was not the last


def test_a_latent_searched_for_as_normal_numbers_stays_inside(networks):
    changes = {"projection": "normal", "iterations": 60, "learning_rate": 0.5}
    (found,) = run(search(networks, **changes), targets(1))
    assert np.abs(found.latent).max() < 1.0
    assert found.contextual < found.history[0, 0]
    clipped = first_latent(1, "0.jpg", 8)
    (start,) = run(
        search(
            networks, keep="best", **changes | {"iterations": 1, "learning_rate": 1e-9}
        ),
        targets(1),
    )
    assert start.latent == pytest.approx(clipped, abs=1e-5)


def descent(networks, **changes):
    options = options_of(**changes)
    objective = Objective(*networks, options, LAM)
    return Descent(objective, GradientRule(options, 1, LATENT_SIZE), options)


def test_steps_in_two_calls_are_those_of_one(networks):
    descending, faces = descent(networks), targets(5)
    latents = np.random.default_rng(0).uniform(-1, 1, (5, LATENT_SIZE))
    start = descending.start(latents.astype(np.float32))
    once, history = descending.advance(start, faces, [0] * 5, range(6))
    half, first = descending.advance(start, faces, [0] * 5, range(2))
    twice, second = descending.advance(half, faces, [0] * 5, range(2, 6))
    assert history.shape == (5, 2, 6)
    assert np.array_equal(history, np.concatenate([first, second], axis=2))
    assert np.array_equal(once.variables, twice.variables)
    assert np.array_equal(once.best_loss, twice.best_loss)
    assert all(map(np.array_equal, once.rule, twice.rule))


def test_the_best_loss_is_the_lowest_of_the_history(networks):
    descending, faces = descent(networks, learning_rate=0.9), targets(3)
    latents = np.random.default_rng(0).uniform(-1, 1, (3, LATENT_SIZE))
    start = descending.start(latents.astype(np.float32))
    state, history = descending.advance(start, faces, [0] * 3, range(6))
    losses = history[:, 0] + np.float32(LAM) * history[:, 1]
    assert state.best_loss == pytest.approx(losses.min(axis=1), rel=1e-6)
