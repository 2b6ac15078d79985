"""The energy against closed forms of a linear generator."""

import numpy as np
import pytest
from keras import ops

from facefill.imaging.colour import luminance
from facefill.imaging.degradations import Decolorization, Downsampling
from facefill.imaging.pictures import to_float
from facefill.inversion.hmc.energy import GREY_LEVELS, Energy
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import Measurement
from linear_model import MASK, NOISE, SIZE, linear_generator, made_faces, options


@pytest.fixture(scope="module")
def generator():
    return linear_generator()


def test_the_metric_is_the_covariance_of_a_linear_gaussian_model(generator):
    _, _, (target,) = made_faces(generator, 1)
    energy = Energy(generator, options(redundancy=3.0))
    start = np.array([0.3, -0.4], np.float32)

    factor = energy.metric(start, target).astype(np.float64)

    # z = 2 Phi(u) - 1 has the slope 2 phi(u).
    slope = 2.0 * np.exp(-0.5 * start.astype(np.float64) ** 2) / np.sqrt(2.0 * np.pi)
    pixels = generator.get_weights()[0].reshape(2, SIZE, SIZE, 3)[:, MASK]
    jacobian = pixels.reshape(2, -1) * slope[:, None]
    scale = NOISE / GREY_LEVELS
    precision = jacobian @ jacobian.T / (scale**2 * 3.0) + np.eye(2)
    assert factor @ factor.T == pytest.approx(np.linalg.inv(precision), rel=1e-3)


def test_the_energy_counts_known_pixels_and_the_prior(generator):
    _, _, (target,) = made_faces(generator, 1)
    place = np.array([[0.7, -1.1]], np.float32)
    picture = np.asarray(generator(np.asarray(to_latents(place, "normal"))))[0]
    misfit = np.abs(picture - to_float(target.face))[MASK].sum() * GREY_LEVELS

    energy = Energy(generator, options(redundancy=2.0))
    parts = energy.measure(place, [target])

    total = energy.total(parts.T)
    assert parts[0, 1] == pytest.approx(0.5 * 1.7, rel=1e-5)
    assert total[0] == pytest.approx(misfit / NOISE / 2.0 + 0.5 * 1.7, rel=1e-5)


def test_a_mean_or_a_luminance_counts_by_how_much_noise_it_keeps(generator):
    _, _, (target,) = made_faces(generator, 1)
    place = np.array([[0.7, -1.1]], np.float32)
    nothing = np.zeros((SIZE, SIZE), bool)
    picture = np.asarray(generator(np.asarray(to_latents(place, "normal"))))[0]
    difference = picture - to_float(target.face)
    blocks = difference.reshape(2, 4, 2, 4, 3).mean(axis=(1, 3))
    gain = 0.299**2 + 0.587**2 + 0.114**2
    expected = {
        Downsampling(): 4.0 * np.abs(blocks).sum(),
        Decolorization(): np.abs(luminance(difference)).sum() / gain**0.5,
    }
    energy = Energy(generator, options())

    for degradation, misfit in expected.items():
        measurement = Measurement("x", target.face, nothing, degradation)
        parts = energy.measure(place, [measurement])
        assert parts[0, 0] == pytest.approx(misfit, rel=1e-4)


def test_the_gradient_is_that_of_differences(generator):
    _, _, targets = made_faces(generator, 3)
    energy = Energy(generator, options())
    places = np.random.default_rng(1).normal(0.0, 1.0, (3, 2)).astype(np.float32)

    def total(variables):
        measured = energy.measure(variables.astype(np.float32), targets)
        return energy.total(measured.T.astype(np.float64))

    gradient, parts = energy.differentiate(
        energy.weights(), ops.convert_to_tensor(places), energy.gather(targets)
    )

    assert np.asarray(energy.total(parts)) == pytest.approx(total(places), rel=1e-5)
    for column, shift in enumerate(0.02 * np.eye(2)):
        slope = (total(places + shift) - total(places - shift)) / 0.04
        found = np.asarray(gradient)[:, column]
        assert found == pytest.approx(slope, rel=0.1, abs=1.0)


def test_pictures_are_those_of_the_generator_however_many(generator):
    places = np.random.default_rng(1).normal(0.0, 1.0, (70, 2)).astype(np.float32)
    energy = Energy(generator, options())

    pictures = energy.generate(places)

    latents = np.asarray(to_latents(places, "normal"))
    assert pictures == pytest.approx(np.asarray(generator(latents)), abs=1e-5)
    assert np.array_equal(energy.generate(places[:3]), pictures[:3])
