"""The reference's rule against its own formulas, step by step."""

import numpy as np
import pytest

from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import to_float
from facefill.inversion.latents import first_latent
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.parameters import CompleteOptions
from facefill.runtime import rng

SIZE = 16
LAM = 5.0
RULE = {"beta": 0.3, "step_size": 0.02, "leapfrogs": 7, "anneal": 0.5}


@pytest.fixture(scope="module")
def networks():
    architecture = Architecture(SIZE, 8, generator_width=8, discriminator_width=8)
    draw = np.random.default_rng(0)
    made = build_generator(architecture, 1), build_discriminator(architecture, 1)
    for network in made:
        network.set_weights(
            [each + draw.uniform(0, 0.1, each.shape) for each in network.get_weights()]
        )
    return made


def search(networks, **changes):
    options = CompleteOptions.model_validate(
        {
            "preset": "reference",
            "method": "hmc",
            "iterations": 6,
            "iterations_per_call": 3,
            "batch_size": 4,
            "precision": "float32",
            "device": "cpu",
            "hmc": {"rule": "reference", "reference": RULE},
        }
        | changes
    )
    return LatentSearch(*networks, options, LAM, seed=1)


def photo(name="a.jpg", seed=0):
    face = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    return Measurement(name, face, build_mask("center", SIZE))


def loss_and_gradient(networks, target, latent):
    import tensorflow as tf

    generator, discriminator = networks
    known = target.mask[..., None].astype(np.float32)
    variable = tf.Variable(latent[None])
    with tf.GradientTape() as tape:
        picture = generator(variable, training=False)
        contextual = tf.reduce_sum(tf.abs(known * (picture - to_float(target.face))))
        logit = discriminator(picture, training=False)[0, 0]
        loss = contextual - LAM * tf.math.log_sigmoid(logit)
    return float(loss), tape.gradient(loss, variable).numpy()[0]


def test_a_proposal_is_that_of_complete_py(networks):
    target = photo()
    latent, beta, taken = first_latent(1, target.key, 8), RULE["beta"], 0
    for iteration in range(6):
        draw = rng.keyed_rng(
            1, rng.Purpose.CHAIN, rng.photo_key(target.key), 0, iteration
        )
        momentum = draw.standard_normal(8).astype(np.float32)
        threshold = 1.0 - draw.random()
        before, gradient = loss_and_gradient(networks, target, latent)
        before = beta * before + 0.5 * (momentum**2).sum()
        moved = latent
        for _ in range(RULE["leapfrogs"]):
            momentum = momentum - RULE["step_size"] / 2 * beta * gradient
            moved = np.clip(moved + RULE["step_size"] * momentum, -1.0, 1.0)
            loss, gradient = loss_and_gradient(networks, target, moved)
            momentum = momentum - RULE["step_size"] / 2 * beta * gradient
        after = beta * loss + 0.5 * (momentum**2).sum()
        if threshold < np.exp(before - after):
            latent, taken = moved, taken + 1
        beta *= RULE["anneal"]

    ((found,),) = search(networks).run([target])

    assert found.latent == pytest.approx(latent, abs=1e-3)
    assert found.diagnosis.acceptance == pytest.approx(taken / 6)
    assert taken > 0


def test_a_proposal_that_costs_too_much_is_refused(networks):
    wild = RULE | {"step_size": 0.5, "beta": 100.0}
    target = photo()

    ((found,),) = search(networks, hmc={"rule": "reference", "reference": wild}).run(
        [target]
    )

    assert found.diagnosis.acceptance == 0.0
    assert np.array_equal(found.latent, first_latent(1, target.key, 8))


def test_the_rule_samples_no_posterior_and_says_so(networks):
    ((found,),) = search(networks).run([photo()])

    assert found.posterior is None
    assert found.diagnosis.r_hat is None


def test_photos_do_not_see_each_other(networks):
    many = [photo(f"{number}.jpg", number) for number in range(6)]
    together = [best for best, *_ in search(networks).run(many)]
    ((alone,),) = search(networks).run([many[4]])

    assert np.array_equal(alone.latent, together[4].latent)
    assert alone.loss == together[4].loss
