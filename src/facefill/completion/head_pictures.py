"""Pictures of heads: a face with its hair, neck and shoulders, in a frame of its own.

The crop of a face ends at its brows and its chin. The frame of its head has the same
middle, and longer sides; those of wider pictures are longer still.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging import geometry
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.preparation import face_prior

SIDE = 128
"""Of a picture of a head, in pixels."""
FIELD = 2.25
"""Sides of the face's crop that it shows."""


def head_map(
    matrix: NDArray[np.float64], size: int, field: float = FIELD
) -> NDArray[np.float64]:
    """Map from a photo to the picture of a head, float64 (2, 3).

    Args:
        matrix: Map from the photo to the face's crop, (2, 3).
        size: Side of the crop in pixels.
        field: Sides of the crop that the picture shows.
    """
    scale = SIDE / (field * size)
    shift = (SIDE - 1) / 2.0 - scale * (size - 1) / 2.0
    to_head = np.array([[scale, 0.0, shift], [0.0, scale, shift]])
    return geometry.composed(to_head, matrix)


def head_picture(
    photo: Pixels, known: Mask, to_head: NDArray[np.float64], side: int = SIDE
) -> tuple[Pixels, Mask]:
    """Sample the known pixels of a head.

    Args:
        photo: uint8 RGB (height, width, 3); unknown pixels are not read.
        known: bool (height, width).
        to_head: From ``head_map``, or a multiple of it.
        side: Of the picture in pixels, the same multiple of ``SIDE``.

    Returns:
        uint8 RGB (side, side, 3), and which of its pixels are known, bool (side, side).
    """
    view = face_prior.sampled(
        photo.astype(np.float32), known.astype(np.float32), to_head, side
    )
    return np.clip(np.round(view.pixels), 0, 255).astype(np.uint8), view.known


def shrunk(picture: Pixels, known: Mask, side: int) -> tuple[Pixels, Mask]:
    """Shrink a picture of a head to another side; see ``head_picture``."""
    return head_picture(picture, known, resizing(len(picture), side), side)


def resized(picture: Pixels, side: int) -> Pixels:
    """Enlarge a picture of a head, uint8 RGB, to a side, by cubic interpolation."""
    matrix = resizing(len(picture), side)
    flags, border = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
    other = cv2.warpAffine(
        picture, matrix, (side, side), flags=flags, borderMode=border
    )
    return np.asarray(other, np.uint8)


def resizing(side: int, other: int) -> NDArray[np.float64]:
    """Map from a picture of a side to one of another, whose outer edges meet."""
    return geometry.enlarged(np.eye(2, 3), other / side)
