"""Levels: brightness and colours of a photo, carried on into what is put into it."""

import cv2
import numpy as np

from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

_LEVEL_REACH = 12.0
"""How far the photo's level at the edge of the hole reaches into what is painted, in
face pixels."""


def levelled(
    photo: Pixels, other: Pixels, wanted: Mask, known: Mask, scale: float
) -> Pixels:
    """Take pixels of another picture, of the photo's level where both are known.

    The difference between both there is carried on, weaker with every pixel.

    Args:
        photo: uint8 RGB (height, width, 3).
        other: The other picture, of the same shape.
        wanted: Pixels to take, bool (height, width).
        known: Pixels that both show, bool (height, width).
        scale: Pixels of the photo for one of its face.
    """
    difference = photo.astype(np.float32) - other
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    weight = np.exp(-away / (_LEVEL_REACH * scale))[..., None]
    made = other + membrane(difference, known) * weight
    pixels = np.clip(np.round(made), 0, 255).astype(np.uint8)
    return np.where(wanted[..., None], pixels, photo).astype(np.uint8)
