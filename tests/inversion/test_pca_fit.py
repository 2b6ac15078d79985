import numpy as np
import pytest

from facefill.evaluation.metrics import hole_psnr
from facefill.imaging.compositing import poisson_blend
from facefill.imaging.degradations import block_side
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import read_photo
from facefill.imaging.tasks import task_of
from facefill.inversion.encoder import encoder_of
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit, gaussian_fit_of, noise_of
from facefill.models import pretrained
from facefill.models.face_pca import measure
from facefill.models.generation import generate
from facefill.parameters import AlignOptions, CompleteOptions
from facefill.preparation.extraction import extract
from projects import ROOT

SIZE = 16
NOISE = 6.0


def population(count=300, seed=0):
    make = np.random.default_rng(seed)
    ways = np.random.default_rng(9).normal(0.0, 9.0, (6, SIZE, SIZE, 3))
    made = 128.0 + np.tensordot(make.normal(0.0, 1.0, (count, 6)), ways, axes=1)
    made += make.normal(0.0, 3.0, made.shape)
    return np.clip(np.round(made), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def statistics():
    return measure(population(), 20, np.random.default_rng(0))


def target(mask="center", seed=5):
    face = population(1, seed)[0]
    return Measurement("x", face, *task_of(mask, SIZE, CompleteOptions(noise=NOISE)))


def brute_force(statistics, difference, rows, variance):
    """The conditional mean of a normal distribution, with whole covariances.

    ``rows`` maps all pixels to what is known, ``variance`` is that of its noise.
    """
    parts = statistics.components.reshape(len(statistics.variances), -1)
    parts = parts.astype(np.float64)
    covariance = (parts.T * statistics.variances) @ parts
    known = rows @ covariance @ rows.T + variance * np.eye(len(rows))
    gain = covariance @ rows.T @ np.linalg.inv(known)
    return (gain @ rows @ difference.ravel()).reshape(difference.shape)


@pytest.mark.parametrize("mask", ["center", "left", "random", "grid"])
@pytest.mark.parametrize("detail", [0.0, 0.5, 1.0])
def test_the_fit_is_the_conditional_mean_of_a_normal_distribution(
    statistics, mask, detail
):
    one = target(mask)
    generated = population(1, seed=6)[0]
    base = statistics.mean + detail * (generated - statistics.mean)
    rows = np.eye(SIZE * SIZE * 3)[np.repeat(one.mask.ravel(), 3)]
    change = brute_force(statistics, one.face - base, rows, NOISE**2)
    expected = np.clip(base + change, 0, 255)
    found = GaussianFit(statistics, NOISE).fit(generated, one, detail)
    assert np.abs(found - expected).max() <= 0.51


def test_low_resolution_is_fitted_by_the_means_of_blocks(statistics):
    one = target("lowres")
    factor = block_side(SIZE)
    blocks = SIZE // factor
    shape = (SIZE, SIZE, 3)
    identity = np.eye(SIZE * SIZE * 3).reshape(-1, blocks, factor, blocks, factor, 3)
    rows = identity.mean(axis=(2, 4)).reshape(SIZE * SIZE * 3, -1).T
    difference = one.face - statistics.mean
    change = brute_force(statistics, difference, rows, NOISE**2 / factor**2)
    expected = np.clip(statistics.mean + change, 0, 255).reshape(shape)
    generated = np.zeros(shape, np.uint8)
    found = GaussianFit(statistics, NOISE).fit(generated, one, detail=0.0)
    assert np.abs(found - expected).max() <= 0.51


def test_a_grey_face_is_fitted_by_its_luminance(statistics):
    one = target("colorize")
    weights = np.array([0.299, 0.587, 0.114])
    rows = np.kron(np.eye(SIZE * SIZE), weights)
    difference = one.face - statistics.mean
    variance = NOISE**2 * (weights**2).sum()
    change = brute_force(statistics, difference, rows, variance)
    expected = np.clip(statistics.mean + change, 0, 255)
    generated = np.zeros((SIZE, SIZE, 3), np.uint8)
    found = GaussianFit(statistics, NOISE).fit(generated, one, detail=0.0)
    assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize("name", ["colorize", "denoise"])
def test_a_face_that_lies_in_the_components_is_found_again(statistics, name):
    weights = np.sqrt(statistics.variances[:6]) * [1.0, -0.5, 0.8, 0.3, -1.0, 0.6]
    inside = np.tensordot(weights, statistics.components[:6], axes=1)
    face = np.clip(np.round(statistics.mean + inside), 0, 255).astype(np.uint8)
    noise = 5.0
    mask, degradation = task_of(name, SIZE, CompleteOptions(noise=noise))
    degraded = degradation.degrade(face, np.random.default_rng(1))
    mean = statistics.mean.round().astype(np.uint8)
    expectation = GaussianFit(statistics, noise=1.0)
    one = Measurement("x", degraded, mask, degradation)
    fitted = expectation.fit(mean, one, detail=0.0)
    error = np.abs(fitted.astype(float) - face).mean()
    assert error < 0.1 * np.abs(mean.astype(float) - face).mean()
    # Of the noise there is left what falls into the components, 20 of 768.
    assert error < (0.3 * noise if name == "denoise" else 1.0)


def test_nothing_under_the_hole_is_read(statistics):
    one = target()
    other = one.face.copy()
    other[~one.mask] = 255 - other[~one.mask]
    generated = population(1, seed=6)[0]
    expectation = GaussianFit(statistics, NOISE)
    fitted = expectation.fit(generated, one, 0.5)
    again = expectation.fit(generated, Measurement("x", other, one.mask), 0.5)
    assert np.array_equal(fitted, again)


def test_known_pixels_say_what_hidden_ones_are_in_a_population_like_this(statistics):
    expectation = GaussianFit(statistics, NOISE)
    mean = statistics.mean.round().astype(np.uint8)
    gains = []
    for seed in range(10, 20):
        one = target("left", seed)
        fitted = expectation.fit(mean, one, detail=0.0)
        gains.append(
            hole_psnr(one.face, fitted, one.mask) - hole_psnr(one.face, mean, one.mask)
        )
    assert min(gains) > 5.0


def test_masks_that_come_again_give_the_same_as_at_first(statistics):
    expectation = GaussianFit(statistics, NOISE)
    names = ["center", "left", "right", "top", "bottom", "grid"]
    generated = population(1, seed=6)[0]
    first = [expectation.fit(generated, target(name), 0.5) for name in names]
    again = [expectation.fit(generated, target(name), 0.5) for name in names[::-1]]
    assert all(map(np.array_equal, first, again[::-1]))


def test_faces_that_share_a_hole_are_fitted_as_each_alone(statistics):
    rng = np.random.default_rng(8)
    size = statistics.image_size
    faces, generated = rng.integers(0, 256, (2, 5, size, size, 3)).astype(np.uint8)
    mask = rng.random((size, size)) < 0.5
    fit = GaussianFit(statistics, 10.0)
    together = fit.fit_group(generated, faces, mask, 0.7)
    for face, picture, found in zip(faces, generated, together, strict=True):
        alone = fit.fit(picture, Measurement("", face, mask), 0.7)
        assert np.abs(found.astype(int) - alone).max() <= 1


def aligned_portraits(count):
    """Cut out the first faces of the demo's portraits, uint8 (count, 64, 64, 3)."""
    options, found = AlignOptions(upsample=0), []
    for path in sorted((ROOT / "data/demo/01_raw/photos").glob("*.jpg")):
        faces = extract(read_photo(path), options, 64).faces
        found += [face.pixels for face in faces if not face.reason]
        if len(found) >= count:
            return np.stack(found[:count])
    raise AssertionError(f"{len(found)} faces")


@pytest.mark.slow
def test_own_statistics_of_few_faces_are_no_worse_than_no_fit():
    faces = aligned_portraits(84)
    generator = pretrained.load("generator")
    encoder, mask = encoder_of(generator), build_mask("center", 64)
    measurements = [Measurement("x", face, mask) for face in faces[60:]]
    latents = np.stack([encoder.latent(each) for each in measurements])
    generated = generate(generator, latents)

    def quality(fit):
        """PSNR over the hole of each face, completed without a fit or with one."""
        fitted = [
            picture if fit is None else fit.fit(picture, each, 0.7)
            for picture, each in zip(generated, measurements, strict=True)
        ]
        blended = [
            poisson_blend(each.face, picture, mask)
            for picture, each in zip(fitted, measurements, strict=True)
        ]
        pairs = zip(measurements, blended, strict=True)
        return np.mean([hole_psnr(each.face, done, mask) for each, done in pairs])

    without = quality(None)
    for count in (5, 20, 60):
        own = measure(faces[:count], 300, np.random.default_rng(0))
        fit = gaussian_fit_of(CompleteOptions(), own, 64)
        assert quality(fit) > without


def test_components_of_faces_enough_have_the_noise_that_was_asked_for():
    assert noise_of(50.0, 4096) == noise_of(50.0, 30_000) == 50.0
    assert noise_of(50.0, 1024) == 100.0
