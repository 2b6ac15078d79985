"""The rest of a hole: what lies beyond the faces that were completed in it.

A face is completed in its crop, from the brows to the chin. What a hole covers beyond
is filled otherwise: where the crop ends, skin may meet a dark background. So that no
edge of the crop shows, the two are faded into each other, and the level of the face is
carried on into what is filled around it, weaker with every pixel.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.colour import tone_curve, toned
from facefill.imaging.inpainting import inpaint
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask, bounding_window, mean_around
from facefill.imaging.photos import Pixels

_REACH = 5.0
"""How far the level of a face is carried on beyond its crop, in widths of the fade."""

Floats = NDArray[np.float32]


Fill = Callable[[Pixels, Mask, Mask], Pixels]
"""Fills pixels of a photo: from it, which ones, and which ones not to copy from."""


class Filled(NamedTuple):
    """A photo whose hole is filled.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        by_face: Share of the hole's pixels that a face filled.
        by_inpainting: Share that was inpainted.
    """

    photo: Pixels
    by_face: float
    by_inpainting: float

    @property
    def left(self) -> float:
        """Share that is as it was."""
        return 1.0 - self.by_face - self.by_inpainting


def fill_surroundings(
    photo: Pixels,
    hole: Mask,
    completed: Mask,
    faces: Mask,
    fade: int,
    fill: Fill = inpaint,
) -> Filled:
    """Inpaint what of a hole no face has filled.

    Args:
        photo: Photo into which the completed faces are put, uint8 RGB (height, width,
            3); of the hole only completed pixels are read.
        hole: bool (height, width), True = was missing.
        completed: bool (height, width), True = filled by a face; within the hole.
        faces: bool (height, width), True = in the crop of a face, from which nothing
            is copied.
        fade: Width of the band in which a face fades into what is inpainted, in pixels.
        fill: How it is inpainted.
    """
    rest = hole & ~completed
    count = max(int(hole.sum()), 1)
    if not rest.any():
        return Filled(photo, float(completed.sum()) / count, 0.0)
    distance = cv2.distanceTransform((~rest).astype(np.uint8), cv2.DIST_L2, 5)
    band = completed & (distance <= fade)
    inpainted: Pixels | Floats = fill(photo, rest | band, faces & ~band)
    weights = np.where(band, distance / (fade + 1.0), np.where(rest, 0.0, 1.0))
    if band.any():
        inpainted = _carried_on(photo, inpainted, band, rest, fade)
    mixed = weights[..., None] * photo + (1.0 - weights[..., None]) * inpainted
    filled = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
    by_face = float((completed & ~band).sum() + weights[band].sum()) / count
    return Filled(filled, by_face, 1.0 - by_face)


def _carried_on(
    photo: Pixels, inpainted: Pixels | Floats, band: Mask, rest: Mask, fade: int
) -> Floats:
    """Inpainted photo whose level next to faces is theirs.

    Args:
        photo: Photo with the completed faces, uint8 RGB (height, width, 3).
        inpainted: The same with band and rest inpainted.
        band: Completed pixels at the edge of the crops, where the levels are compared.
        rest: Pixels that are inpainted alone.
        fade: Width of the band in pixels.

    Returns:
        float32 (height, width, 3), not clipped.
    """
    away = cv2.distanceTransform((~band).astype(np.uint8), cv2.DIST_L2, 5)
    reach = max(_REACH * fade, 1.0)
    changed = (rest & (away <= reach)) | band
    window = bounding_window(changed, margin=1)
    inside = band[window]
    level = photo[window].astype(np.float32) - inpainted[window]
    # Their mean about each pixel: detail is not carried on.
    mean = mean_around(level, inside, max(fade / 2.0, 0.5))
    # Beyond its reach, and at what is known of the photo, nothing is added.
    known = ~(rest[window] & (away[window] <= reach))
    added = membrane(np.where(inside[..., None], mean, 0.0).astype(np.float32), known)
    carried = inpainted.astype(np.float32)
    carried[window] += added
    return carried


def keep_tone(photo: Pixels, hole: Mask, filled: Mask) -> Pixels:
    """Give what was filled the tone of its photo, if that has one: grey, or sepia.

    Args:
        photo: uint8 RGB (height, width, 3).
        hole: bool (height, width), True = was missing; the tone is that of the rest.
        filled: bool (height, width), True = is to have it; within the hole.
    """
    curve = tone_curve(photo, ~hole)
    if curve is None:
        return photo
    return np.where(filled[..., None], toned(photo, curve), photo).astype(np.uint8)
