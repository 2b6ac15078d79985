"""Mirror images of heads: which place of one half shows what the other half hides.

A head that is turned has a narrow half and a wide one. Where its middle is, and how
wide its halves are, is told by the landmarks of its completed face: those of the jaw
lie on each other's mirror images.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.face_outlines import find_landmarks
from facefill.imaging.geometry import applied, inverted
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

# Of dlib's 68 landmarks: the upper ends of the jaw, and what lies between its halves.
_LEFT, _RIGHT, _BETWEEN = [0, 1, 2], [14, 15, 16], [27, 28, 8]

_NARROWEST = 0.4
"""Of a half, in widths of the other: of a head that is turned further one half shows
nothing of the other."""

# In sides of the crop, from the middle of a head that is not turned: an ellipse about
# head and hair, and below the mouth the body, which widens to the shoulders.
_HEAD_CENTRE, _HEAD_RADII = -0.35, (1.05, 1.2)
_BODY_TOP, _BODY_WIDTH, _SHOULDERS = 0.45, 0.9, 1.2
_BODY_END = 1.5

Floats = NDArray[np.float32]


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


class Mirror(NamedTuple):
    """Where a head has its middle, and how wide its halves are.

    Attributes:
        middle: In sides of the crop from its middle, to the right.
        width: Of the right half, in widths of the left.
    """

    middle: float
    width: float

    def unturned(self, across: Floats) -> Floats:
        """Places, from the head's middle, on a head whose halves are of one width."""
        beside = across - np.float32(self.middle)
        left, right = self.width**0.5, self.width**-0.5
        return np.asarray(beside * np.where(beside > 0.0, right, left), np.float32)

    def image(self, across: Floats) -> Floats:
        """Places of mirror images, in sides of the crop from its middle."""
        beside = -self.unturned(across)
        left, right = self.width**-0.5, self.width**0.5
        beside *= np.where(beside > 0.0, right, left)
        return np.asarray(beside + np.float32(self.middle), np.float32)


UPRIGHT = Mirror(0.0, 1.0)
"""Of a head that is not turned."""


def mirrored_head(
    photo: Pixels, known: Mask, to_frame: NDArray[np.float64]
) -> MirroredHead:
    """Mirror a photo at the middle of a head, as wide as the head is turned.

    Args:
        photo: uint8 RGB (height, width, 3), with the face completed.
        known: Pixels that are known or completed, bool (height, width).
        to_frame: Map from the photo to the crop as the unit square, float64 (2, 3).

    Raises:
        ModelError: If the packaged network cannot be used.
    """
    mirror = find_mirror(photo, known, to_frame)
    height, width = known.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)
    across, down = (
        (x * columns + y * rows + shift).astype(np.float32) - np.float32(0.5)
        for x, y, shift in to_frame
    )
    beside, below = mirror.image(across) + np.float32(0.5), down + np.float32(0.5)
    image_columns, image_rows = (
        (x * beside + y * below + shift).astype(np.float32)
        for x, y, shift in inverted(to_frame)
    )
    # A pixel is sampled from four.
    inner = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8))
    shares = cv2.remap(
        inner.astype(np.float32), image_columns, image_rows, cv2.INTER_LINEAR
    )
    picture = cv2.remap(photo, image_columns, image_rows, cv2.INTER_CUBIC)
    return MirroredHead(
        np.asarray(picture, np.uint8),
        np.asarray(shares > 0.999),
        _is_head(mirror.unturned(across), down),
    )


def _is_head(across: Floats, down: Floats) -> Mask:
    """Tell which places, in sides of the crop from its middle, are head or body."""
    wide, high = _HEAD_RADII
    head = np.hypot(across / wide, (down - _HEAD_CENTRE) / high) < 1.0
    width = _BODY_WIDTH + _SHOULDERS * np.clip(down - _BODY_TOP, 0.0, 1.0)
    body = (np.abs(across) < width) & (down > _BODY_TOP) & (down < _BODY_END)
    return np.asarray(head | body)


def find_mirror(photo: Pixels, known: Mask, to_frame: NDArray[np.float64]) -> Mirror:
    """Find the mirror of a head by the landmarks of its face.

    Args:
        photo: uint8 RGB (height, width, 3), with the face completed.
        known: Pixels that are known or completed, bool (height, width).
        to_frame: Map from the photo to the crop as the unit square, float64 (2, 3).

    Returns:
        The mirror; ``UPRIGHT`` if no face is seen there.

    Raises:
        ModelError: If the packaged network cannot be used.
    """
    points = find_landmarks(photo, known, to_frame)
    if points is None:
        return UPRIGHT
    across = applied(to_frame, points)[:, 0] - 0.5
    middle = across[_BETWEEN].mean()
    left, right = middle - across[_LEFT].mean(), across[_RIGHT].mean() - middle
    if min(left, right) <= 0.0:
        return UPRIGHT
    width = np.clip(right / left, _NARROWEST, 1.0 / _NARROWEST)
    return Mirror(float(middle), float(width))
