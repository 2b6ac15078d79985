"""The loss of a search against its formulas, and its parts."""

import numpy as np
import pytest
from keras import ops

from facefill.imaging.pictures import to_float
from facefill.inversion.latents import first_latent
from facefill.inversion.objective import Objective
from searching import LAM, LATENT_SIZE, options_of, run, search, targets


def test_the_history_starts_at_the_loss_of_the_first_latent(networks):
    (target,) = targets(1)
    (found,) = run(search(networks), [target])
    generator, discriminator = networks
    latent = first_latent(1, target.key, 8)[None]
    picture = np.asarray(generator(latent, training=False))
    difference = np.abs(picture[0] - to_float(target.face))[target.mask]
    logit = float(discriminator(picture, training=False)[0, 0])
    assert found.history.shape == (2, 6)
    assert found.history[0, 0] == pytest.approx(difference.sum(), rel=1e-4)
    assert found.history[1, 0] == pytest.approx(np.log1p(np.exp(-logit)), rel=1e-4)


@pytest.mark.parametrize("name", ["lowres", "denoise", "colorize"])
def test_weights_need_no_pixel_that_is_known_as_it_is(networks, name):
    (found,) = run(search(networks, contextual="weighted"), targets(1, name))
    assert found.contextual > 0.0


def test_weighted_losses_count_a_pixel_by_its_missing_neighbours(networks):
    (target,) = targets(1)
    (found,) = run(search(networks, contextual="weighted", window=5), [target])
    picture = np.asarray(networks[0](first_latent(1, target.key, 8)[None]))[0]
    expected = 0.0
    for y, x in np.argwhere(target.mask):
        around = target.mask[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        weight = (~around).sum() / (around.size - 1)
        expected += weight * np.abs(picture[y, x] - to_float(target.face)[y, x]).sum()
    assert found.history[0, 0] == pytest.approx(expected, rel=1e-4)


def latents(count, seed=0):
    shape = (count, LATENT_SIZE)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_the_gradient_is_that_of_the_loss_that_is_measured(networks, name):
    objective = Objective(*networks, options_of(), lam=5.0)
    faces, places = targets(4, name), latents(4)

    def total(variables):
        parts = objective.measure(variables.astype(np.float32), faces)
        return objective.total(parts.T.astype(np.float64))

    gradient, parts = objective.differentiate(
        objective.weights(), ops.convert_to_tensor(places), objective.gather(faces)
    )

    measured = objective.measure(places, faces)
    assert measured == pytest.approx(np.asarray(parts).T, rel=1e-4)
    direction = np.random.default_rng(1).normal(size=places.shape)
    shift = 0.002 * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    slope = total(places + shift) - total(places - shift)
    found = 2.0 * (np.asarray(gradient) * shift).sum(axis=1)
    assert found == pytest.approx(slope, rel=0.1, abs=0.02)


def test_measuring_takes_any_number_of_faces_of_any_task(networks):
    objective = Objective(*networks, options_of(), LAM)
    faces = targets(9, "center", "lowres", "colorize", "denoise")
    places = latents(9)
    parts = objective.measure(places, faces)
    assert parts.shape == (9, 2)
    for row, face in enumerate(faces):
        alone = objective.measure(places[row : row + 1], [face])
        assert np.array_equal(alone[0], parts[row])


def spoilt(network):
    """A network of the same shape that makes nothing but NaN."""
    import keras

    copy = keras.models.clone_model(network)
    copy.set_weights([np.full_like(each, np.nan) for each in network.get_weights()])
    return copy


def test_without_a_weight_the_discriminator_has_no_part_in_a_search(networks):
    generator, discriminator = networks
    faces, keep = targets(3), {"keep": "best", "starts": 3, "prune_after": 2}
    plain = run(search(networks, lam=0.0, **keep), faces)
    without = run(search((generator, spoilt(discriminator)), lam=0.0, **keep), faces)
    for ours, theirs in zip(plain, without, strict=True):
        assert np.array_equal(ours.latent, theirs.latent)
        assert ours.loss == ours.contextual == theirs.loss
        assert np.array_equal(ours.history[0], theirs.history[0])
        # What a search does not look at it does not measure, but once at the end.
        assert np.isnan(ours.history[1]).all()
        assert np.isfinite(ours.perceptual)
        assert np.isnan(theirs.perceptual)


def test_a_weight_of_nothing_is_the_limit_of_small_ones(networks):
    (nothing,) = run(search(networks, lam=0.0), targets(1))
    (little,) = run(search(networks, lam=1e-30), targets(1))
    assert np.array_equal(nothing.latent, little.latent)
    assert nothing.perceptual == little.perceptual


def undecided(network, pictures):
    """A copy of a discriminator whose logits of these pictures are about 0.

    That of the other tests is sure of whatever it sees, so that its slope is 0.
    """
    import keras

    copy = keras.models.clone_model(network)
    *others, kernel, bias = network.get_weights()
    copy.set_weights([*others, kernel, bias])
    logits = np.asarray(copy(pictures, training=False))
    scale = 1.0 / logits.std()
    copy.set_weights([*others, kernel * scale, (bias - logits.mean()) * scale])
    return copy


def test_lam_weighs_the_perceptual_loss_and_its_slope(networks):
    import tensorflow as tf

    faces, places = targets(3), latents(3)
    generator = networks[0]
    discriminator = undecided(networks[1], generator(places, training=False))
    variables = tf.Variable(places)
    with tf.GradientTape() as tape:
        logits = discriminator(generator(variables, training=False), training=False)
        prior = tf.math.softplus(-logits[:, 0])
    slope = tape.gradient(prior, variables).numpy()
    gradients = {}
    for lam in (0.0, 1e4):
        objective = Objective(generator, discriminator, options_of(), lam)
        found, _ = objective.differentiate(
            objective.weights(),
            ops.convert_to_tensor(places),
            objective.gather(faces),
        )
        gradients[lam] = np.asarray(found)
    apart = gradients[1e4] - gradients[0.0]
    largest = float(np.abs(apart).max())
    assert largest > 0.1 * np.abs(gradients[0.0]).max()
    assert apart == pytest.approx(1e4 * slope, rel=0.02, abs=0.01 * largest)
    parts = np.array([[3.0, 5.0], [0.25, 0.5]])
    assert objective.total(parts).tolist() == [2503.0, 5005.0]
