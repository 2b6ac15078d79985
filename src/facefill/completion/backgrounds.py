"""What is behind heads, where a hole hides it: patches of what is known of it.

Beside the outline of a head nothing of a person is expected, so that the photo's own
wall, sky or flag is the best guide. Within the outline patches go on for a while, and
fade into what is painted there: what a network paints beside hair is not quite what is
behind it.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.grain import with_grain
from facefill.imaging.inpainting import copy_patches, surrounded
from facefill.imaging.masks import Mask, bounding_window
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

    def laid_on(self, photo: Pixels, where: Mask) -> Pixels:
        """Lay the patches on a photo, as far as they have a share.

        Args:
            photo: uint8 RGB (height, width, 3).
            where: Pixels to be changed, bool (height, width).
        """
        changed = where & (self.shares > 0.0)
        shares, below = self.shares[changed][:, None], photo[changed]
        mixed = below + shares * (self.patched[changed].astype(np.float32) - below)
        photo = photo.copy()
        photo[changed] = np.round(mixed)
        return photo


def patched_behind(
    photo: Pixels, hidden: Mask, known: Mask, outlines: Mask, fades: Floats
) -> Background:
    """Fill what is hidden behind heads with patches of what is known behind them.

    Args:
        photo: uint8 RGB (height, width, 3).
        hidden: Pixels to fill, where they are behind heads, bool (height, width).
        known: Pixels that may be read, bool (height, width).
        outlines: Pixels that may be of heads or bodies, from which nothing is copied,
            bool (height, width).
        fades: Width of the band within the outlines in which patches fade out, in
            pixels of the photo, float32 (height, width).

    Returns:
        The photo with patches, but for those connected parts around which too little is
        known.
    """
    readable = np.where(known[..., None], photo, 0).astype(np.uint8)
    background = Background(readable, np.zeros(hidden.shape, np.float32))
    behind = hidden & ~outlines
    _, labels = cv2.connectedComponents(behind.astype(np.uint8), connectivity=8)
    for label in np.unique(labels[behind]):
        _patch(background, labels == label, hidden, known, outlines, fades)
    return background._replace(
        patched=np.where(known[..., None], photo, background.patched)
    )


def _patch(
    background: Background,
    part: Mask,
    hidden: Mask,
    known: Mask,
    outlines: Mask,
    fades: Floats,
) -> None:
    """Patch a connected part of what is behind heads, in place, if enough is known."""
    margin = math.ceil(_PATCHED * (float(fades.max()) + 1.0))
    window = surrounded(bounding_window(part, margin))
    part, hidden, outlines = part[window], hidden[window], outlines[window]
    sources = known[window] & ~outlines
    if sources.sum() < _LEAST_KNOWN * part.sum():
        return
    away = cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5)
    widths = fades[window] + np.float32(1.0)
    # Twice as far, so that no pixel that shows is next to one that is not known.
    hole = part | (hidden & outlines & (away <= _PATCHED * widths))
    patched = background.patched[window].copy()
    copy_patches(patched, hole, ~sources & ~hole)
    patched = with_grain(patched, hole, sources)
    shares = background.shares[window]
    nearer = hole & (1.0 - away / widths > shares)
    shares[nearer] = (1.0 - away / widths)[nearer]
    background.patched[window][nearer] = patched[nearer]
