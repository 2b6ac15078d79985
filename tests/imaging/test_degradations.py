import numpy as np
import pytest

from facefill.imaging.degradations import (
    Decolorization,
    Denoising,
    Downsampling,
    Inpainting,
    block_means,
    block_side,
)
from facefill.imaging.tasks import task_of
from facefill.parameters import CompleteOptions

SIZE = 16


def faces(count=3, seed=0):
    shape = (count, SIZE, SIZE, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_a_degradation_is_a_linear_map_of_pixels(name):
    mask, degradation = task_of(name, SIZE, CompleteOptions())
    one, other = faces(2).astype(np.float32)
    rows = degradation.measure(np.stack([one, other, 2.0 * one - 0.5 * other]), mask)
    assert rows.dtype == np.float32
    assert rows[2] == pytest.approx(2.0 * rows[0] - 0.5 * rows[1], abs=1e-3)


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_the_variance_of_a_measured_number_is_that_of_noisy_pixels(name):
    mask, degradation = task_of(name, SIZE, CompleteOptions(noise=7.0))
    noise = np.random.default_rng(0).normal(0.0, 7.0, (400, SIZE, SIZE, 3))
    found = degradation.measure(noise, mask).var()
    assert degradation.variance(49.0, SIZE) == pytest.approx(found, rel=0.05)


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_what_is_shown_says_the_same_as_the_face(name):
    mask, degradation = task_of(name, SIZE, CompleteOptions())
    (face,) = faces(1)
    wanted, had = degradation.measure(
        np.stack([face, degradation.show(face, mask)]), mask
    )
    assert np.abs(wanted - had).max() <= 0.51


def test_noise_is_added_as_strong_as_it_is_said():
    face = np.full((64, 64, 3), 128, np.uint8)
    noisy = Denoising(20.0).degrade(face, np.random.default_rng(0))
    assert (noisy.astype(float) - face).std() == pytest.approx(20.0, rel=0.05)
    assert np.array_equal(Downsampling().degrade(face, np.random.default_rng(0)), face)


@pytest.mark.parametrize(
    ("size", "side"), [(128, 8), (64, 8), (32, 8), (16, 8), (8, 4), (2, 1)]
)
def test_low_resolution_has_two_by_two_means_at_least(size, side):
    assert block_side(size) == side


def test_only_a_hole_hides_pixels_from_the_comparison():
    mask = np.random.default_rng(0).random((SIZE, SIZE)) < 0.5
    assert np.array_equal(Inpainting().compared(mask), mask)
    for other in (Downsampling(), Decolorization(), Denoising(25.0)):
        assert other.compared(mask).all()


def test_block_means_are_those_of_a_loop():
    pictures = faces(2)
    means = block_means(pictures, 4)
    assert means.shape == (2, 4, 4, 3)
    for row, column in np.ndindex(4, 4):
        block = pictures[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        assert means[:, row, column] == pytest.approx(block.mean(axis=(1, 2)))
