"""Luminance and chroma of pictures, and the tone of grey and sepia photos.

Luminance is that of ITU-R BT.601, ``0.299 R + 0.587 G + 0.114 B``, of Pillow's mode
``L`` and of JPEG.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LUMINANCE_WEIGHTS = (0.299, 0.587, 0.114)
"""Weights of red, green and blue."""

Floats = NDArray[np.float32]
_LEAST_CHROMA = 1e-6
# Grey levels that 95 % of the pixels keep to. A sepia photo at JPEG quality 75 is
# within 5.5, the least colourful of 150 colour photos (LFW) within 13.
_ONE_TONE = 8.0
# Grey levels that 90 % of a plain background keep to, as a wall or the sky does.
_PLAIN = 30.0
_MOST = 0.9
# Pixels that are looked at before all are: the rest of a colourful photo need not be.
_LOOKED_AT_FIRST = 8192


def luminance(pictures: NDArray[Any]) -> Floats:
    """Luminance of each pixel.

    Args:
        pictures: (..., 3) of any dtype and range.

    Returns:
        (...), in the same range, not rounded.
    """
    red, green, blue = (np.float32(weight) for weight in LUMINANCE_WEIGHTS)
    # Written out: a product of matrices rounds otherwise on another machine.
    return np.asarray(
        red * pictures[..., 0] + green * pictures[..., 1] + blue * pictures[..., 2],
        np.float32,
    )


def grey_picture(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Picture with its luminance in all channels; uint8 (height, width, 3)."""
    grey = np.round(luminance(picture)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def chroma(pictures: NDArray[Any]) -> Floats:
    """Pixels minus their luminance, float32 (..., 3); luminance 0."""
    return np.asarray(pictures - luminance(pictures)[..., None], np.float32)


def is_plain(pixels: NDArray[np.uint8]) -> bool:
    """Whether nine of ten pixels are within 30 grey levels of the median colour.

    Args:
        pixels: uint8 RGB (n, 3); of none it is false.
    """
    if not len(pixels):
        return False
    away = np.abs(pixels - np.median(pixels, axis=0)).max(axis=-1)
    return bool((away < _PLAIN).mean() >= _MOST)


def coloured(grey: Floats, colour: Floats) -> NDArray[np.uint8]:
    """Picture of a luminance and a chroma.

    A chroma that would leave the range is scaled towards grey until it fits, so
    that every pixel keeps its luminance up to rounding.

    Args:
        grey: Luminance in grey levels, (height, width), in [0, 255].
        colour: Chroma in grey levels, (height, width, 3).

    Returns:
        uint8 (height, width, 3), its luminance within half a grey level of ``grey``.
    """
    above = (255.0 - grey) / np.maximum(colour.max(axis=-1), _LEAST_CHROMA)
    below = grey / np.maximum(-colour.min(axis=-1), _LEAST_CHROMA)
    scale = np.minimum(1.0, np.minimum(above, below))[..., None]
    levels = np.round(grey[..., None] + scale * colour)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def tone_curve(photo: NDArray[np.uint8], known: NDArray[np.bool_]) -> Floats | None:
    """Colour of each luminance in a photo of one tone, such as a grey or sepia one.

    Args:
        photo: uint8 RGB (height, width, 3).
        known: bool (height, width), True = looked at.

    Returns:
        float32 (256, 3), RGB for each luminance, or None if the photo has colours: if
        among pixels of one luminance a channel varies by more than rounding and
        compression explain.
    """
    pixels = photo[known]
    if not len(pixels) or not _of_luminances(_sampled(pixels)).is_of_one_tone:
        return None
    counts, means, _ = found = _of_luminances(pixels)
    if not found.is_of_one_tone:
        return None
    there = np.flatnonzero(counts)
    # Luminances that no pixel has lie between those that some have.
    curve = [np.interp(np.arange(256), there, means[there, c]) for c in range(3)]
    return np.stack(curve, axis=-1).astype(np.float32)


class _Luminances(NamedTuple):
    """What pixels of each luminance are like.

    Attributes:
        counts: How many have it, (256,).
        means: Their mean colour, (256, 3).
        deviation: What 95 % of the pixels are at most off these means.
    """

    counts: NDArray[np.intp]
    means: NDArray[np.float64]
    deviation: float

    @property
    def is_of_one_tone(self) -> bool:
        return self.deviation <= _ONE_TONE


def _of_luminances(pixels: NDArray[np.uint8]) -> _Luminances:
    levels = np.round(luminance(pixels)).astype(np.intp)
    counts = np.bincount(levels, minlength=256)
    sums = [np.bincount(levels, pixels[:, channel], 256) for channel in range(3)]
    means = np.stack(sums, axis=-1) / np.maximum(counts, 1)[:, None]
    deviations = np.abs(pixels - means[levels]).max(axis=-1)
    return _Luminances(counts, means, float(np.quantile(deviations, 0.95)))


def _sampled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels at equal distances, enough to tell most photos that have colours."""
    return pixels[:: len(pixels) // _LOOKED_AT_FIRST + 1]


def toned(picture: NDArray[np.uint8], curve: Floats) -> NDArray[np.uint8]:
    """Give every pixel the colour that its luminance has on a tone curve.

    Args:
        picture: uint8 RGB (height, width, 3).
        curve: From ``tone_curve``.
    """
    levels = np.round(luminance(picture)).astype(np.intp)
    return np.asarray(np.round(curve[levels]), np.uint8)
