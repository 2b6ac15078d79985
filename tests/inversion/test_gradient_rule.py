"""Steps of a search against their formulas."""

import numpy as np
import pytest

from facefill.imaging.pictures import to_float
from facefill.inversion.gradient_rule import GradientRule
from facefill.inversion.latents import first_latent
from searching import options_of, run, search, targets

RATE = 1e-4


def test_a_step_is_projected_adam_on_the_loss_of_the_photo(networks):
    import tensorflow as tf

    (target,) = targets(1)
    generator, discriminator = networks
    latent = tf.Variable(first_latent(1, target.key, 8)[None])
    first = second = 0.0
    face, known = to_float(target.face), target.mask[..., None].astype(np.float32)
    for step in range(1, 7):
        with tf.GradientTape() as tape:
            picture = generator(latent, training=False)
            contextual = tf.reduce_sum(tf.abs(known * (picture - face)))
            logit = discriminator(picture, training=False)[0, 0]
            loss = contextual - 5.0 * tf.math.log_sigmoid(logit)
        gradient = tape.gradient(loss, latent).numpy()
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        change = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        latent.assign(np.clip(latent.numpy() - 0.3 * change, -1.0, 1.0))
    (found,) = run(search(networks, lam=5.0, learning_rate=0.3), [target])
    assert found.latent == pytest.approx(latent.numpy()[0], abs=1e-3)
    assert np.abs(found.latent).max() == 1.0  # the projection was at work


def test_a_step_of_momentum_is_that_of_the_first_paper(networks):
    import tensorflow as tf

    (target,) = targets(1)
    generator, discriminator = networks
    latent = tf.Variable(first_latent(1, target.key, 8)[None])
    velocity = np.zeros((1, 8))
    face, known = to_float(target.face), target.mask[..., None].astype(np.float32)
    for _ in range(6):
        with tf.GradientTape() as tape:
            picture = generator(latent, training=False)
            contextual = tf.reduce_sum(tf.abs(known * (picture - face)))
            logit = discriminator(picture, training=False)[0, 0]
            loss = contextual - 5.0 * tf.math.softplus(logit)
        before = velocity
        velocity = 0.8 * velocity - RATE * tape.gradient(loss, latent).numpy()
        moved = latent.numpy() - 0.8 * before + 1.8 * velocity
        latent.assign(np.clip(moved, -1.0, 1.0))
    rule = {"method": "momentum", "momentum": 0.8, "learning_rate": RATE}
    (found,) = run(search(networks, lam=5.0, prior="saturating", **rule), [target])
    assert found.latent == pytest.approx(latent.numpy()[0], abs=1e-3)


def test_a_cosine_schedule_ends_with_steps_of_nothing(networks):
    (found,) = run(
        search(networks, schedule="cosine", iterations=40, learning_rate=0.3),
        targets(1),
    )
    total = found.history.sum(axis=0)
    assert abs(total[-1] - total[-2]) < 0.02 * abs(total[1] - total[0])


def test_stochastic_clipping_draws_what_leaves_anew(networks):
    wild = {"iterations": 20, "learning_rate": 1.5}
    (clipped,) = run(search(networks, **wild), targets(1))
    (drawn,) = run(search(networks, projection="stochastic_clip", **wild), targets(1))
    assert np.abs(clipped.latent).max() == 1.0
    assert np.abs(drawn.latent).max() < 1.0


def test_the_schedule_falls_from_one_to_nothing_over_all_calls():
    options = options_of(schedule="cosine", iterations=10)
    rule, (face,) = GradientRule(options, 1, 8), targets(1)
    calls = [rule.inputs([face], [0], steps) for steps in (range(4), range(4, 10))]
    steps = np.concatenate([call.steps for call in calls])
    scales = np.concatenate([call.scales for call in calls])
    assert steps.tolist() == list(range(10))
    expected = 0.5 * (1.0 + np.cos(np.pi * np.arange(10) / 10))
    assert scales == pytest.approx(expected, abs=1e-6)
    constant = GradientRule(options_of(schedule="constant"), 1, 8)
    assert (constant.inputs([face], [0], range(6)).scales == 1.0).all()
