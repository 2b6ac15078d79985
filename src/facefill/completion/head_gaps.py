"""Gaps of heads: what of hair, and of what is behind it, neither half shows.

Patches continue outlines straight on, so that hair above a tear ends in a peak, or
never. The outline of a typical head closes it: within are patches of the head, beyond
it patches of what is behind.
"""

import numpy as np
from numpy.typing import NDArray

from facefill.imaging.inpainting import patched
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels

# Middle, half the width, and height of half an ellipse, in sides of the crop: the
# outline of a head above its ears, medians of 90 photos of LFW whose heads GrabCut
# parted from what is behind.
_OUTLINE = (-0.38, 0.66, 0.71)
# Of a face, glasses included: an eye must not appear twice.
_HALF_FACE, _BROWS = 0.6, -0.45
_CHIN = 0.45
"""Below it a head has no outline that is typical."""

_CERTAIN = 0.85
"""Of the outline, within which all is head; as much further out nothing is. Between
both patches of either continue what was filled on both sides."""

_LEAST_COPIED = 0.3
"""Pixels of hair for each that is filled with hair: of fewer there is no telling what
the head is covered with, and what is next to the gap decides."""

_NEAR = 48
"""Pixels around a gap that may be read with it."""

Floats = NDArray[np.float32]


def fill_gap(
    photo: Pixels, gap: Mask, unknown: Mask, across: Floats, down: Floats
) -> Pixels:
    """Fill a gap of a head.

    Args:
        photo: uint8 RGB (height, width, 3), with all else of the head.
        gap: Pixels to fill, bool (height, width).
        unknown: Pixels of which nothing is known, nor completed, bool (height, width):
            they are neither copied nor read.
        across: Places to the right of the middle of the head, if it were not turned, in
            sides of the crop, float32 (height, width).
        down: Places below the middle of the crop, in its sides, float32 (height,
            width).

    Returns:
        uint8 RGB (height, width, 3), the photo but in the gap.
    """
    if not gap.any():
        return photo
    middle, width, height = _OUTLINE
    # Straight below its ends.
    outline = np.hypot(across / width, np.minimum(down - middle, 0.0) / height)
    above = down < _CHIN
    face = above & (down > _BROWS) & (np.abs(across) < _HALF_FACE)
    head, behind = above & (outline < _CERTAIN), above & (outline > 1.0 / _CERTAIN)
    unknown = unknown | gap
    hair = head & ~unknown & ~face & (down < middle)
    if hair.sum() < _LEAST_COPIED * (gap & head).sum():
        head = np.zeros_like(head)
    filled = _smooth_near(photo, gap, unknown)
    left = gap.copy()
    for part, copied in (
        (gap & head, hair),
        (gap & behind, behind & ~face),
        (gap, ~face),
    ):
        todo = part & left
        filled = patched(filled, todo, unknown | ~copied)
        unknown, left = unknown & ~todo, left & ~todo
    return np.where(gap[..., None], filled, photo).astype(np.uint8)


def _smooth_near(photo: Pixels, gap: Mask, unknown: Mask) -> Pixels:
    """Smooth what is unknown near a gap: next to what is filled it may be read."""
    window = bounding_window(gap, _NEAR)
    hidden = unknown[window]
    smooth = photo.copy()
    spread = np.round(membrane(photo[window].astype(np.float32), ~hidden))
    smooth[window][hidden] = spread[hidden].astype(np.uint8)
    return smooth
