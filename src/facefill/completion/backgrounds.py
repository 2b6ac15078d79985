"""What is behind heads, where a hole hides it: patches of what is known of it.

Beside the outline of a head nothing of a person is expected, so that the photo's own
wall, sky or flag is the best guide. Within the outline patches go on for a while, and
fade into what is painted there: what a network paints beside hair is not quite what is
behind it.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.inpainting import copy_patches
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

_LEAST_KNOWN = 0.25
"""Pixels known of what is behind heads for one that is hidden, if it is to be filled
with patches of them."""

_PATCHED = 2.0
"""Width of the band that is patched within outlines, in widths of that which shows."""

Floats = NDArray[np.float32]


class Background(NamedTuple):
    """A photo whose heads have something behind them.

    Attributes:
        patched: The photo with patches, uint8 RGB (height, width, 3).
        shares: Of the patches, float32 (height, width): 1 behind heads, less with every
            pixel within their outlines, 0 farther in and where nothing was hidden.
    """

    patched: Pixels
    shares: Floats

    @property
    def filled(self) -> Mask:
        """Pixels behind heads that were hidden, bool (height, width)."""
        return np.asarray(self.shares == 1.0)

    def over(self, photo: Pixels, where: Mask) -> Pixels:
        """Lay the patches over a photo, as far as they have a share.

        Args:
            photo: uint8 RGB (height, width, 3).
            where: Pixels to be changed, bool (height, width).
        """
        shares = np.where(where, self.shares, np.float32(0))[..., None]
        mixed = photo + shares * (self.patched.astype(np.float32) - photo)
        return np.asarray(np.round(mixed), np.uint8)


def patched_behind(
    photo: Pixels, hidden: Mask, known: Mask, outlines: Mask, fade: float
) -> Background:
    """Fill what is hidden behind heads with patches of what is known behind them.

    Args:
        photo: uint8 RGB (height, width, 3).
        hidden: Pixels to fill, where they are behind heads, bool (height, width).
        known: Pixels that may be read, bool (height, width).
        outlines: Pixels that may be of heads or bodies, from which nothing is copied,
            bool (height, width).
        fade: Width of the band within the outlines in which patches fade out, in
            pixels of the photo.

    Returns:
        The photo with patches; with none if too little is known.
    """
    behind, shares = hidden & ~outlines, np.zeros(hidden.shape, np.float32)
    sources = int((known & ~outlines).sum())
    if not behind.any() or sources < _LEAST_KNOWN * behind.sum():
        return Background(photo, shares)
    away = cv2.distanceTransform((~behind).astype(np.uint8), cv2.DIST_L2, 5)
    shares[hidden] = np.clip(1.0 - away[hidden] / (fade + 1.0), 0.0, 1.0)
    # Twice as far, so that no pixel that shows is next to one that is not known.
    hole = hidden & (away <= _PATCHED * (fade + 1.0))
    patched = np.where(known[..., None], photo, 0).astype(np.uint8)
    copy_patches(patched, hole, (outlines | ~known) & ~hole)
    return Background(np.where(hole[..., None], patched, photo), shares)
