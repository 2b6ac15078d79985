"""Chains against posteriors that are known exactly."""

import keras
import numpy as np
import pytest

from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import to_float
from facefill.inversion.hmc.chains import Chains, places_to_begin
from facefill.inversion.hmc.diagnostics import bulk_effective_size, split_r_hat
from facefill.inversion.hmc.energy import GREY_LEVELS, Energy
from facefill.inversion.hmc.summary import HIGH, LOW, coverage
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import Measurement
from facefill.models.dcgan import Architecture, build_discriminator
from facefill.parameters import CompleteOptions

SIZE = 8
NOISE = 40.0
MASK = build_mask("center", SIZE)


@pytest.fixture(scope="module")
def networks():
    """A linear generator of two latents, and a discriminator that is not asked."""
    latents = keras.Input((2,))
    pixels = keras.layers.Dense(SIZE * SIZE * 3, use_bias=False, name="project")(
        latents
    )
    pictures = keras.layers.Reshape((SIZE, SIZE, 3), name="reshape")(pixels)
    generator = keras.Model(latents, pictures)
    slopes = np.random.default_rng(0).normal(0.0, 0.12, (2, SIZE * SIZE * 3))
    generator.set_weights([slopes.astype(np.float32)])
    return generator, build_discriminator(Architecture(SIZE, 2, 2, 2), seed=1)


def options(**hmc):
    changes = {"noise": NOISE, "leapfrogs": 8, "warm_up": 60, "draws": 100}
    return CompleteOptions.model_validate(
        {
            "method": "hmc",
            "batch_size": 64,
            "device": "cpu",
            "iterations_per_call": 100,
            "hmc": changes | hmc,
        }
    )


def made_faces(generator, count, seed=0):
    """Faces drawn from the model: u, G(z) in grey levels, targets with the noise."""
    draw = np.random.default_rng(seed)
    variables = draw.standard_normal((count, 2)).astype(np.float32)
    latents = np.asarray(to_latents(variables, "normal"))
    generated = (np.asarray(generator(latents, training=False)) + 1.0) * GREY_LEVELS
    noisy = generated + draw.laplace(0.0, NOISE, generated.shape)
    faces = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return (
        variables,
        generated,
        [Measurement(f"{place}.jpg", face, MASK) for place, face in enumerate(faces)],
    )


def run(networks, targets, **hmc):
    chosen = options(**hmc)
    chains = Chains(Energy(*networks, chosen), chosen, seed=1)
    ends = np.random.default_rng(3).normal(0.0, 0.5, (len(targets), 4, 2))
    return chains.run(ends.astype(np.float32), targets)


def brute_force(generator, target, redundancy=1.0):
    """Mean and covariance of u from its density on a fine lattice."""
    axis = np.linspace(-4.5, 4.5, 181)
    lattice = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    latents = np.asarray(to_latents(lattice.astype(np.float32), "normal"))
    pictures = np.asarray(generator(latents, training=False))
    misfit = np.abs(pictures - to_float(target.face))[:, MASK].sum(axis=(1, 2))
    energy = misfit * GREY_LEVELS / NOISE / redundancy + 0.5 * (lattice**2).sum(axis=1)
    mass = np.exp(energy.min() - energy)
    mass /= mass.sum()
    mean = mass @ lattice
    return mean, (mass[:, None] * (lattice - mean)).T @ (lattice - mean)


@pytest.mark.parametrize("redundancy", [1.0, 6.0])
def test_chains_draw_from_the_posterior_of_a_lattice(networks, redundancy):
    _, _, targets = made_faces(networks[0], 4)

    found = run(networks, targets, draws=400, redundancy=redundancy)

    for target, draws in zip(targets, found, strict=True):
        mean, covariance = brute_force(networks[0], target, redundancy)
        variables = draws.variables.astype(np.float64)
        deviations = np.sqrt(np.diag(covariance))
        # Four standard errors of a mean of as many draws as these are worth.
        error = 4.0 * deviations / np.sqrt(bulk_effective_size(variables))
        flat = variables.reshape(-1, 2)
        assert np.all(np.abs(flat.mean(axis=0) - mean) < error)
        assert flat.std(axis=0) == pytest.approx(deviations, rel=0.15)
        correlation = covariance[0, 1] / deviations.prod()
        assert np.corrcoef(flat.T)[0, 1] == pytest.approx(correlation, abs=0.15)
        assert split_r_hat(variables).max() < 1.05


def test_the_step_size_is_adapted_to_the_acceptance(networks):
    _, _, targets = made_faces(networks[0], 4)

    found = run(networks, targets, acceptance=0.75, warm_up=150)

    acceptance = np.mean([draws.acceptance for draws in found])
    assert 0.65 < acceptance < 0.85
    assert sum(draws.divergences for draws in found) == 0


def test_intervals_cover_what_the_faces_were_drawn_from(networks):
    truth, generated, targets = made_faces(networks[0], 64)

    found = run(networks, targets, draws=60)

    inside = {"u": [], "pixels": []}
    for place, draws in enumerate(found):
        flat = draws.variables.reshape(-1, 2)
        low, high = np.quantile(flat, [LOW, HIGH], axis=0)
        inside["u"].append(coverage(low, high, truth[place]))
        latents = np.asarray(to_latents(flat, "normal"))
        pictures = np.asarray(networks[0](latents, training=False))[:, ~MASK]
        low, high = np.quantile((pictures + 1.0) * GREY_LEVELS, [LOW, HIGH], axis=0)
        inside["pixels"].append(coverage(low, high, generated[place][~MASK]))
    assert 0.85 < np.mean(inside["u"]) < 0.95
    assert 0.85 < np.mean(inside["pixels"]) < 0.95


def test_the_metric_is_the_covariance_of_a_linear_gaussian_model(networks):
    _, _, (target,) = made_faces(networks[0], 1)
    energy = Energy(*networks, options(redundancy=3.0))
    start = np.array([0.3, -0.4], np.float32)

    factor = energy.metric(start, target).astype(np.float64)

    # z = 2 Phi(u) - 1 has the slope 2 phi(u).
    slope = 2.0 * np.exp(-0.5 * start.astype(np.float64) ** 2) / np.sqrt(2.0 * np.pi)
    pixels = networks[0].get_weights()[0].reshape(2, SIZE, SIZE, 3)[:, MASK]
    jacobian = pixels.reshape(2, -1) * slope[:, None]
    scale = NOISE / GREY_LEVELS
    precision = jacobian @ jacobian.T / (scale**2 * 3.0) + np.eye(2)
    assert factor @ factor.T == pytest.approx(np.linalg.inv(precision), rel=1e-3)


def test_the_energy_counts_known_pixels_and_the_prior(networks):
    _, _, (target,) = made_faces(networks[0], 1)
    place = np.array([[0.7, -1.1]], np.float32)
    picture = np.asarray(networks[0](np.asarray(to_latents(place, "normal"))))[0]
    misfit = np.abs(picture - to_float(target.face))[MASK].sum() * GREY_LEVELS

    energy = Energy(*networks, options(redundancy=2.0)).measure(place, [target])

    assert energy[0] == pytest.approx(misfit / NOISE / 2.0 + 0.5 * 1.7, rel=1e-5)


def test_chains_begin_where_searches_have_found_the_same_face():
    energies = np.array([500.0, 130.0, 100.0, 201.0, 199.0], np.float32)

    assert places_to_begin(energies, 100, 3) == [2, 1, 4]
    assert places_to_begin(energies, 100, 5) == [2, 1, 4, 2, 1]
    assert places_to_begin(energies, 10, 2) == [2, 2]


def same(one, two):
    return (
        np.array_equal(one.variables, two.variables)
        and np.array_equal(one.energies, two.energies)
        and np.array_equal(one.step_sizes, two.step_sizes)
    )


def test_chains_are_the_same_alone_among_others_and_again(networks):
    _, _, targets = made_faces(networks[0], 9)

    together, again = (run(networks, targets, draws=20) for _ in range(2))

    assert all(map(same, together, again))
    ends = np.random.default_rng(3).normal(0.0, 0.5, (9, 4, 2)).astype(np.float32)
    chosen = options(draws=20)
    chains = Chains(Energy(*networks, chosen), chosen, seed=1)
    for place in (0, 8):
        (alone,) = chains.run(ends[place : place + 1], [targets[place]])
        assert same(alone, together[place])
    other = Chains(Energy(*networks, chosen), chosen, seed=2)
    assert not same(other.run(ends[:1], targets[:1])[0], together[0])


def test_pixels_in_the_hole_change_no_chain(networks):
    _, _, targets = made_faces(networks[0], 1)
    face = targets[0].face.copy()
    face[~MASK] = 255 - face[~MASK]
    changed = [Measurement(targets[0].key, face, MASK)]

    (ours,), (theirs,) = run(networks, targets), run(networks, changed)
    assert same(ours, theirs)
