"""Metrics of completed faces: PSNR, SSIM, detail, seam, error over the known pixels.

All take uint8 RGB faces of shape (height, width, 3), one at a time, and measure
in grey levels of 0 to 255; means over many faces are left to the caller. Formulas
in the documentation's "How it works".
"""

import cv2
import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from facefill.errors import MaskError
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

DATA_RANGE = 255.0
DETAIL_SIGMA = 1.5
"""Detail is what a Gaussian blur of this standard deviation, in pixels, takes away."""


def psnr(face: Pixels, other: Pixels) -> float:
    """Peak signal-to-noise ratio in dB, over all pixels and channels.

    Returns:
        10 log10(255^2 / mean squared difference); infinite for equal faces,
        which JSON cannot hold.
    """
    with np.errstate(divide="ignore"):
        ratio = peak_signal_noise_ratio(face, other, data_range=DATA_RANGE)
    return float(ratio)


def hole_psnr(face: Pixels, other: Pixels, mask: Mask) -> float:
    """Peak signal-to-noise ratio in dB, over the hole alone.

    Args:
        face: One face.
        other: The face to compare it with.
        mask: Known pixels, bool (height, width), True = known.

    Returns:
        As ``psnr``; infinite if the hole is equal in both.

    Raises:
        MaskError: If nothing is hidden.
    """
    if mask.all():
        raise MaskError("the mask hides nothing, so there is no hole to measure")
    return psnr(face[~mask], other[~mask])


def ssim(face: Pixels, other: Pixels) -> float:
    """Structural similarity, the mean over pixels and channels.

    With the Gaussian window (standard deviation 1.5 pixels) and the population
    statistics of Wang, Bovik, Sheikh and Simoncelli 2004.

    Returns:
        Up to 1, which is reached by equal faces only.
    """
    value = structural_similarity(
        face,
        other,
        data_range=DATA_RANGE,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(value)


def detail_ratio(face: Pixels, other: Pixels, mask: Mask) -> float:
    """Energy of detail in the hole of another face, over that of the true one.

    Args:
        face: The true face.
        other: The completed face.
        mask: Known pixels, bool (height, width), True = known.

    Returns:
        1 where both are as sharp, 0 where the other is smooth. A hundredth of a grey
        level is taken for detail everywhere, so that a flat hole has a ratio, too.

    Raises:
        MaskError: If nothing is hidden.
    """
    if mask.all():
        raise MaskError("the mask hides nothing, so there is no hole to measure")
    made, true = (_detail_energy(picture, mask) for picture in (other, face))
    return (made + 1e-4) / (true + 1e-4)


def _detail_energy(picture: Pixels, mask: Mask) -> float:
    pixels = picture.astype(np.float32)
    smooth = cv2.GaussianBlur(pixels, (0, 0), DETAIL_SIGMA)
    return float(np.square((pixels - smooth)[~mask], dtype=np.float64).mean())


def seam_score(picture: Pixels, mask: Mask) -> float:
    """Contrast of the hole's border against its surroundings.

    The mean absolute difference of neighbours across the border, divided by that of
    the next two pixels on its known side, on the same lines.

    Returns:
        1 where the border is like its surroundings, more where it shows as a line;
        1 besides if there is no border, or nothing known beside it.
    """
    pixels = picture.astype(np.float64)
    across, beside = [], []
    for turns in range(4):
        values, known = np.rot90(pixels, turns), np.rot90(mask, turns)
        steps = np.abs(np.diff(values, axis=1)).mean(axis=2)
        enters = known[:, :-1] & ~known[:, 1:]
        across.append(steps[enters])
        beside.append(steps[:, :-1][known[:, :-2] & enters[:, 1:]])
    border, outside = np.concatenate(across), np.concatenate(beside)
    if border.size == 0 or outside.size == 0:
        return 1.0
    # Half a grey level: flat surroundings do not make a flat border infinitely bad.
    return float((border.mean() + 0.5) / (outside.mean() + 0.5))


def known_l1(face: Pixels, other: Pixels, mask: Mask) -> float:
    """Mean absolute difference over the known pixels, in grey levels.

    Up to a factor the contextual loss of the search.

    Args:
        face: One face.
        other: The face to compare it with.
        mask: Known pixels, bool (height, width), True = known.

    Raises:
        MaskError: If no pixel is known.
    """
    if not mask.any():
        raise MaskError("the mask hides everything, so no known pixel can be compared")
    return float(np.abs(face.astype(np.float64) - other)[mask].mean())
