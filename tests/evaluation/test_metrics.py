import math

import numpy as np
import pytest
from scipy.ndimage import correlate1d, gaussian_filter
from skimage.metrics import peak_signal_noise_ratio

from facefill.errors import MaskError
from facefill.evaluation.baselines import known_distances
from facefill.evaluation.metrics import (
    DETAIL_SIGMA,
    detail_ratio,
    hole_psnr,
    known_l1,
    psnr,
    seam_score,
    ssim,
)
from facefill.imaging.masks import build_mask

MASK = build_mask("center", 32)


def pictures(seed=0):
    draw = np.random.default_rng(seed)
    face = draw.integers(0, 256, (32, 32, 3), np.uint8)
    noise = draw.integers(-30, 31, face.shape)
    return face, np.clip(face + noise, 0, 255).astype(np.uint8)


def test_a_difference_of_one_grey_level_is_48_decibels():
    face = np.full((8, 8, 3), 100, np.uint8)

    assert psnr(face, face + np.uint8(1)) == pytest.approx(20 * math.log10(255))


def test_psnr_is_that_of_scikit_image():
    face, other = pictures()

    expected = peak_signal_noise_ratio(face, other, data_range=255)
    assert psnr(face, other) == pytest.approx(expected)


def test_differences_do_not_wrap_around():
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)

    assert psnr(black, white) == pytest.approx(0)
    assert known_l1(black, white, np.ones((4, 4), bool)) == 255


def test_equal_faces_have_infinite_psnr_and_ssim_one():
    face, _ = pictures()

    assert psnr(face, face) == math.inf
    assert hole_psnr(face, face, MASK) == math.inf
    assert ssim(face, face) == pytest.approx(1)


def test_hole_psnr_sees_the_hole_only():
    face, other = pictures()
    composite = np.where(MASK[..., None], face, other)

    assert hole_psnr(face, other, MASK) == hole_psnr(face, composite, MASK)
    # The composite spreads the same error over four times as many pixels.
    gain = psnr(face, composite) - hole_psnr(face, composite, MASK)
    assert gain == pytest.approx(10 * math.log10(4))


def test_known_l1_sees_known_pixels_only():
    face, _ = pictures()
    other = np.where(MASK[..., None], face // 2, 255 - face)

    expected = np.abs(face[MASK].astype(int) - face[MASK] // 2).mean()
    assert known_l1(face, other, MASK) == pytest.approx(expected)


def test_detail_is_what_a_blur_takes_away_from_the_hole():
    face, other = pictures()
    rough = face // 2 + other // 2
    energies = []
    for picture in (face, rough):
        pixels = picture.astype(float)
        smooth = gaussian_filter(
            pixels, (DETAIL_SIGMA, DETAIL_SIGMA, 0.0), mode="mirror", truncate=4.0
        )
        energies.append(((pixels - smooth)[~MASK] ** 2).mean())
    expected = energies[1] / energies[0]
    # OpenCV's kernel is a pixel shorter than SciPy's.
    assert detail_ratio(face, rough, MASK) == pytest.approx(expected, rel=0.01)


def test_what_is_as_sharp_has_the_ratio_one_and_what_is_flat_almost_none():
    face, _ = pictures()
    assert detail_ratio(face, face, MASK) == 1.0
    elsewhere = np.where(MASK[..., None], face // 3, face)
    inner = build_mask("center", 32, center_scale=0.45)
    assert detail_ratio(face, elsewhere, inner) == pytest.approx(1.0, rel=1e-6)
    flat = np.full_like(face, 90)
    assert detail_ratio(face, flat, MASK) < 1e-6
    assert detail_ratio(flat, flat, MASK) == 1.0


def test_masks_that_leave_nothing_to_measure_are_refused():
    face, other = pictures()

    with pytest.raises(MaskError, match="hides nothing"):
        detail_ratio(face, face, np.ones((8, 8), bool))
    with pytest.raises(MaskError, match="no hole"):
        hole_psnr(face, other, build_mask("full", 32))
    with pytest.raises(MaskError, match="no known pixel"):
        known_l1(face, other, np.zeros((32, 32), bool))


def test_ssim_is_the_formula_of_wang_et_al():
    face, other = (picture.astype(float) for picture in pictures())
    # Wang et al.: an 11x11 Gaussian window of standard deviation 1.5, and only
    # places where it fits.
    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(values):
        return correlate1d(correlate1d(values, window, axis=0), window, axis=1)[
            5:-5, 5:-5
        ]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    covariance = mean(face * other) - mean(face) * mean(other)
    variances = mean(face**2) - mean(face) ** 2 + mean(other**2) - mean(other) ** 2
    similarity = (
        (2 * mean(face) * mean(other) + c1)
        * (2 * covariance + c2)
        / ((mean(face) ** 2 + mean(other) ** 2 + c1) * (variances + c2))
    )

    assert ssim(*pictures()) == pytest.approx(similarity.mean())


def test_a_picture_without_a_step_at_the_border_scores_one():
    ramp = np.repeat(np.arange(0, 128, 4, dtype=np.uint8)[None, :, None], 32, axis=0)
    picture = np.repeat(ramp, 3, axis=2)
    mask = build_mask("left", 32)

    assert seam_score(picture, mask) == pytest.approx(1.0)


def test_a_step_at_the_border_scores_by_its_height():
    picture = np.full((32, 32, 3), 100, np.uint8)
    picture[:, :16] = 120  # on a flat ground, whose half a grey level is the unit
    mask = build_mask("left", 32)

    assert seam_score(picture, mask) == pytest.approx(20.5 / 0.5)


def test_no_border_and_nothing_known_beside_it_score_one():
    picture = pictures()[0]

    assert seam_score(picture, build_mask("full", 32)) == 1.0
    assert seam_score(picture, np.zeros((32, 32), bool)) == 1.0


def test_known_distances_are_those_of_one_face_at_a_time():
    draw = np.random.default_rng(0)
    many = draw.integers(0, 256, (600, 8, 8, 3), np.uint8)
    mask = build_mask("center", 8)
    face = many[0]

    distances = known_distances(many, face, mask)

    for place in (0, 255, 256, 599):
        expected = known_l1(face, many[place], mask) * mask.sum() * 3
        assert distances[place] == pytest.approx(expected)
