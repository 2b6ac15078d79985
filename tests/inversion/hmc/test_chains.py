"""Chains against posteriors that are known exactly."""

import numpy as np
import pytest

from calibration import coverage
from facefill.imaging.pictures import to_float
from facefill.inversion.hmc.chains import Chains, chosen_starts
from facefill.inversion.hmc.diagnostics import bulk_effective_size, split_r_hat
from facefill.inversion.hmc.energy import GREY_LEVELS, Energy
from facefill.inversion.hmc.summary import HIGH, LOW
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import Measurement
from linear_model import MASK, NOISE, linear_generator, made_faces, options


@pytest.fixture(scope="module")
def generator():
    return linear_generator()


def run(generator, targets, **hmc):
    chosen = options(**hmc)
    chains = Chains(Energy(generator, chosen), chosen, seed=1)
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
def test_chains_draw_from_the_posterior_of_a_lattice(generator, redundancy):
    _, _, targets = made_faces(generator, 4)

    found = run(generator, targets, draws=400, redundancy=redundancy)

    for target, draws in zip(targets, found, strict=True):
        mean, covariance = brute_force(generator, target, redundancy)
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


def test_the_step_size_is_adapted_to_the_acceptance(generator):
    _, _, targets = made_faces(generator, 4)

    found = run(generator, targets, acceptance=0.75, warm_up=150)

    acceptance = np.mean([draws.acceptance for draws in found])
    assert 0.65 < acceptance < 0.85
    assert sum(draws.divergences for draws in found) == 0


def test_intervals_cover_what_the_faces_were_drawn_from(generator):
    truth, generated, targets = made_faces(generator, 64)

    found = run(generator, targets, draws=60)

    inside = {"u": [], "pixels": []}
    for place, draws in enumerate(found):
        flat = draws.variables.reshape(-1, 2)
        low, high = np.quantile(flat, [LOW, HIGH], axis=0)
        inside["u"].append(coverage(low, high, truth[place]))
        latents = np.asarray(to_latents(flat, "normal"))
        pictures = np.asarray(generator(latents, training=False))[:, ~MASK]
        low, high = np.quantile((pictures + 1.0) * GREY_LEVELS, [LOW, HIGH], axis=0)
        inside["pixels"].append(coverage(low, high, generated[place][~MASK]))
    assert 0.85 < np.mean(inside["u"]) < 0.95
    assert 0.85 < np.mean(inside["pixels"]) < 0.95


def test_chains_begin_where_searches_have_found_the_same_face():
    energies = np.array([500.0, 130.0, 100.0, 201.0, 199.0], np.float32)

    assert chosen_starts(energies, 100, 3) == [2, 1, 4]
    assert chosen_starts(energies, 100, 5) == [2, 1, 4, 2, 1]
    assert chosen_starts(energies, 10, 2) == [2, 2]


def same(one, two):
    return (
        np.array_equal(one.variables, two.variables)
        and np.array_equal(one.energies, two.energies)
        and np.array_equal(one.step_sizes, two.step_sizes)
    )


def test_chains_are_the_same_alone_among_others_and_again(generator):
    _, _, targets = made_faces(generator, 9)

    together, again = (run(generator, targets, draws=20) for _ in range(2))

    assert all(map(same, together, again))
    ends = np.random.default_rng(3).normal(0.0, 0.5, (9, 4, 2)).astype(np.float32)
    chosen = options(draws=20)
    chains = Chains(Energy(generator, chosen), chosen, seed=1)
    for place in (0, 8):
        (alone,) = chains.run(ends[place : place + 1], [targets[place]])
        assert same(alone, together[place])
    other = Chains(Energy(generator, chosen), chosen, seed=2)
    assert not same(other.run(ends[:1], targets[:1])[0], together[0])


def test_pixels_in_the_hole_change_no_chain(generator):
    _, _, targets = made_faces(generator, 1)
    face = targets[0].face.copy()
    face[~MASK] = 255 - face[~MASK]
    changed = [Measurement(targets[0].key, face, MASK)]

    (ours,), (theirs,) = run(generator, targets), run(generator, changed)
    assert same(ours, theirs)
