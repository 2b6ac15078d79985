"""The rest of a hole: what lies beyond the faces that were completed in it.

A face is completed in its crop, from the brows to the chin. What a hole covers beyond
is inpainted, and the two are faded into each other, so that no edge of the crop shows.
"""

from typing import NamedTuple

import cv2
import numpy as np

from facefill.imaging.colour import tone_curve, toned
from facefill.imaging.inpainting import inpaint
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels


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
    photo: Pixels, hole: Mask, completed: Mask, faces: Mask, fade: int
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
    """
    rest = hole & ~completed
    count = max(int(hole.sum()), 1)
    if not rest.any():
        return Filled(photo, float(completed.sum()) / count, 0.0)
    distance = cv2.distanceTransform((~rest).astype(np.uint8), cv2.DIST_L2, 5)
    band = completed & (distance <= fade)
    inpainted = inpaint(photo, rest | band, faces & ~band)
    weights = np.where(band, distance / (fade + 1.0), np.where(rest, 0.0, 1.0))
    mixed = weights[..., None] * photo + (1.0 - weights[..., None]) * inpainted
    filled = np.where(rest[..., None], inpainted, np.round(mixed)).astype(np.uint8)
    by_face = float((completed & ~band).sum() + weights[band].sum()) / count
    return Filled(filled, by_face, 1.0 - by_face)


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
