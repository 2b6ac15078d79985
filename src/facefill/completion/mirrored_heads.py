"""Mirror images of heads: which place of one half shows what the other half hides."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.head_outlines import Floats, Mirror, Outline, places
from facefill.imaging.geometry import inverted
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

_MIRRORED = Outline(
    centre=-0.35, radii=(1.05, 1.2), body_top=0.45, body_width=0.9, shoulders=1.2
)
"""What of a head and its body is mirrored, with what is next to its hair."""
_END = 1.5
"""How far down a body is mirrored, in sides of the crop from its middle: arms differ
from each other."""


class MirroredHead(NamedTuple):
    """A photo mirrored at the middle of a head.

    Attributes:
        picture: uint8 RGB (height, width, 3).
        shown: Pixels of which the mirror image is known, bool (height, width).
        head: Where head and shoulders are, bool (height, width).
    """

    picture: Pixels
    shown: Mask
    head: Mask


def mirrored_head(
    photo: Pixels, known: Mask, to_square: NDArray[np.float64], mirror: Mirror
) -> MirroredHead:
    """Mirror a photo at the middle of a head, as wide as the head is turned.

    Args:
        photo: uint8 RGB (height, width, 3), with the face completed.
        known: Pixels that are known or completed, bool (height, width).
        to_square: Map from the photo to the crop as the unit square, float64 (2, 3).
        mirror: Of the head.
    """
    where = places((known.shape[0], known.shape[1]), to_square)
    beside = mirror.image(where.across) + np.float32(0.5)
    below = where.down + np.float32(0.5)
    image_columns, image_rows = (
        (x * beside + y * below + shift).astype(np.float32)
        for x, y, shift in inverted(to_square)
    )
    picture, shown = pixels_at(photo, known, image_columns, image_rows)
    return MirroredHead(
        picture,
        shown,
        _MIRRORED.mask(where, mirror) & (where.down < _END),
    )


def pixels_at(
    photo: Pixels, known: Mask, columns: Floats, rows: Floats
) -> tuple[Pixels, Mask]:
    """Sample a photo at some places, by cubic interpolation.

    Args:
        photo: uint8 RGB (height, width, 3).
        known: Pixels that are known, bool (height, width).
        columns: x of the places, float32 (height, width).
        rows: Their y.

    Returns:
        uint8 RGB (height, width, 3), and where known pixels alone were read for it,
        bool (height, width).
    """
    # A pixel is sampled from four each way, the outer of them next to known ones.
    inner = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8))
    shares = cv2.remap(inner.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
    picture = cv2.remap(
        photo, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(picture, np.uint8), np.asarray(shares > 0.999)
