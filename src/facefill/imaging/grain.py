"""Grain: the fine texture of a photo, carried into what was filled in it.

What a network paints is smooth between its edges, and next to the noise, the pores and
the film grain of a photo that shows. Texture of the same spectrum as that of the known
pixels, and of the same correlation between the colours, is the known pixels' detail
with its phases drawn anew, the same in all channels (random phase noise: Galerne,
Gousseau, Morel: Random Phase Textures, 2011).

Synopsis::

    photo = with_grain(photo, filled, known)
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels
from facefill.runtime.rng import Purpose, keyed_rng

_SIGMA = 1.5
"""Standard deviation, in pixels of the photo, of the blur that grain is lost in."""
_EDGE = 2.5
"""Detail beyond as many standard deviations of the grain belongs to edges."""
_TO_DEVIATION = 1.4826
"""From the median magnitude to the standard deviation of a normal distribution."""
_QUIET_SHARE = 0.4
"""Share of the pixels by which grain is measured: those with the least around them."""
_LEAST_KNOWN = 64
"""Pixels below which there is too little to tell the grain by."""


def with_grain(photo: Pixels, filled: Mask, known: Mask) -> Pixels:
    """Photo with the grain of its known pixels also where it was filled.

    As much is added as the filled pixels lack, and nothing to those that have it.

    Args:
        photo: uint8 RGB (height, width, 3).
        filled: Pixels to add it to, bool (height, width), True = add.
        known: Pixels whose grain is meant, such as those of the face around the hole;
            bool (height, width).

    Returns:
        uint8 RGB (height, width, 3); pixels that are not filled are the photo's.
    """
    if not filled.any():
        return photo
    window = bounding_window(filled | known)
    part, inside, around = photo[window], filled[window], known[window]
    quiet = _quiet(part, around)
    if quiet.sum() < _LEAST_KNOWN:
        return photo
    detail, wanted = _detail(part, quiet)
    _, present = _detail(part, _quiet(part, inside))
    if wanted <= present:
        return photo
    amount = np.sqrt(1.0 - (present / wanted) ** 2)
    texture = _random_phase(detail, quiet)
    grainy = part[inside] + amount * texture[inside]
    result = photo.copy()
    result[window][inside] = np.clip(np.round(grainy), 0, 255).astype(np.uint8)
    return result


def _quiet(part: Pixels, chosen: Mask) -> Mask:
    """Those of some pixels around which there is least detail: not hair, nor edges."""
    detail, _ = _detail(part, chosen)
    energy = cv2.GaussianBlur(np.square(detail).sum(axis=-1), (0, 0), 2.0 * _SIGMA)
    if not chosen.any():
        return chosen
    limit = np.quantile(energy[chosen], _QUIET_SHARE)
    return np.asarray(chosen & (energy <= limit))


def _detail(part: Pixels, chosen: Mask) -> tuple[NDArray[np.float32], float]:
    """Detail of chosen pixels without their edges, and its standard deviation.

    The blur is that of the chosen pixels alone, so that no edge of the hole is detail.
    """
    weights = chosen.astype(np.float32)
    values = part.astype(np.float32) * weights[..., None]
    blurred = cv2.GaussianBlur(values, (0, 0), _SIGMA)
    shares = cv2.GaussianBlur(weights, (0, 0), _SIGMA)
    mean = blurred / np.maximum(shares, 1e-6)[..., None]
    detail = (values - mean) * weights[..., None]
    magnitudes = np.abs(detail[chosen].mean(axis=-1))
    deviation = _TO_DEVIATION * float(np.median(magnitudes)) if chosen.any() else 0.0
    limit = _EDGE * deviation
    return np.asarray(np.clip(detail, -limit, limit), np.float32), deviation


def _random_phase(detail: NDArray[np.float32], chosen: Mask) -> NDArray[np.float32]:
    """Texture of the detail's spectrum, of its variance over the chosen pixels."""
    height, width = chosen.shape
    rng = keyed_rng(0, Purpose.GRAIN, height, width)
    noise = fft.rfft2(rng.normal(size=(height, width)).astype(np.float32))
    phases = noise / np.maximum(np.abs(noise), 1e-12)
    spectrum = fft.rfft2(detail, axes=(0, 1)) * phases[..., None]
    texture = fft.irfft2(spectrum, s=(height, width), axes=(0, 1))
    return np.asarray(texture * np.sqrt(chosen.size / chosen.sum()), np.float32)
