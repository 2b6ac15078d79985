"""Where a head and its body may be in a photo, and where it is turned to.

The outlines are generous: what lies beyond them is nothing of the person. A head that
is turned has a narrow half and a wide one. Where its middle is, and how wide its halves
are, is told by the landmarks of its completed face: those of the jaw lie on each
other's mirror images.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facefill.completion.face_outlines import find_landmarks
from facefill.imaging.geometry import applied
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

# Of dlib's 68 landmarks: the upper ends of the jaw, and what lies between its halves.
_LEFT, _RIGHT, _BETWEEN = [0, 1, 2], [14, 15, 16], [27, 28, 8]

_NARROWEST = 0.4
"""Of a half, in widths of the other: of a head that is turned further one half shows
nothing of the other."""

Floats = NDArray[np.float32]


class Mirror(NamedTuple):
    """Where a head has its middle, and how wide its halves are.

    Attributes:
        middle: In sides of the crop from its middle, to the right.
        width: Of the right half, in widths of the left.
    """

    middle: float
    width: float

    @property
    def turn(self) -> float:
        """Width of the wide half in widths of the narrow one, 1 of a frontal head."""
        return max(self.width, 1.0 / self.width)

    def unturned(self, across: Floats) -> Floats:
        """Places, from the head's middle, on a head whose halves are of one width."""
        beside = across - np.float32(self.middle)
        left, right = self.width**0.5, self.width**-0.5
        return np.asarray(beside * np.where(beside > 0.0, right, left), np.float32)

    def turned(self, beside: Floats) -> Floats:
        """Places, in sides of the crop from its middle, of those of ``unturned``."""
        left, right = self.width**-0.5, self.width**0.5
        across = beside * np.where(beside > 0.0, right, left) + self.middle
        return np.asarray(across, np.float32)

    def image(self, across: Floats) -> Floats:
        """Places of mirror images, in sides of the crop from its middle."""
        return self.turned(-self.unturned(across))


UPRIGHT = Mirror(0.0, 1.0)
"""Of a head that is not turned."""


class Places(NamedTuple):
    """Where pixels of a photo are, in sides of a face's crop from its middle.

    Attributes:
        across: To the right, float32 (height, width).
        down: Downwards, float32 (height, width).
    """

    across: Floats
    down: Floats


class Outline(NamedTuple):
    """Outline of a head and its body: an ellipse, and below it a widening band.

    All in sides of the crop, from the middle of a head that is not turned.

    Attributes:
        centre: Of the ellipse, downwards.
        radii: Of the ellipse, across and down.
        body_top: Where the body begins, downwards.
        body_width: On either side, at its top.
        shoulders: How much wider it is on either side for each side further down.
    """

    centre: float
    radii: tuple[float, float]
    body_top: float
    body_width: float
    shoulders: float

    def mask(self, where: Places, mirror: Mirror) -> Mask:
        """Pixels within, bool (height, width).

        Args:
            where: Places of the pixels.
            mirror: Of the head.
        """
        across, (wide, high) = mirror.unturned(where.across), self.radii
        head = np.hypot(across / wide, (where.down - self.centre) / high) < 1.0
        below = where.down - self.body_top
        width = self.body_width + self.shoulders * below
        return np.asarray(head | ((below > 0.0) & (np.abs(across) < width)))


HEAD = Outline(
    centre=-0.15, radii=(0.85, 0.95), body_top=0.45, body_width=1.3, shoulders=3.0
)
"""What may be of a head and its body: little hair reaches beyond it, and what is below
a chin is the body's, unless it is far beside it."""


HIGH = HEAD._replace(radii=(0.85, 1.1))
"""What may be of a head that was mirrored, whose hair or hat may end higher on either
side of what is left between both halves."""


def places(shape: tuple[int, int], to_square: NDArray[np.float64]) -> Places:
    """Tell where pixels are by a face's crop.

    Args:
        shape: Height and width of the photo.
        to_square: Map from the photo to the crop as the unit square, float64 (2, 3).
    """
    rows, columns = (np.arange(side, dtype=np.float32) for side in shape)
    across, down = (
        (x * columns + y * rows[:, None] + shift).astype(np.float32) - np.float32(0.5)
        for x, y, shift in to_square
    )
    return Places(across, down)


def find_mirror(
    photo: Pixels, known: Mask, to_square: NDArray[np.float64]
) -> Mirror | None:
    """Find the mirror of a head by the landmarks of its face.

    Args:
        photo: uint8 RGB (height, width, 3), with the face completed.
        known: Pixels that are known or completed, bool (height, width).
        to_square: Map from the photo to the crop as the unit square, float64 (2, 3).

    Returns:
        The mirror; None if no face is seen there, or a profile.

    Raises:
        ModelError: If the packaged network cannot be used.
    """
    points = find_landmarks(photo, known, to_square)
    return None if points is None else mirror_of(points, to_square)


def mirror_of(
    points: NDArray[np.float64], to_square: NDArray[np.float64]
) -> Mirror | None:
    """Mirror of a head with landmarks at some places.

    Args:
        points: dlib's 68, (68, 2), x and y in pixels of the photo.
        to_square: Map from the photo to the crop as the unit square, float64 (2, 3).

    Returns:
        The mirror; None if nose and chin lie beyond one end of the jaw, as those of a
        profile do.
    """
    across = applied(to_square, points)[:, 0] - 0.5
    middle = across[_BETWEEN].mean()
    left, right = middle - across[_LEFT].mean(), across[_RIGHT].mean() - middle
    if min(left, right) <= 0.0:
        return None
    width = np.clip(right / left, _NARROWEST, 1.0 / _NARROWEST)
    return Mirror(float(middle), float(width))
