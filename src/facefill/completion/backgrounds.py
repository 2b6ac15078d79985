"""What is behind heads, where a hole hides it: patches of what is known of it.

Beside the outline of a head nothing of a person is expected, so that the photo's own
wall, sky or flag is the best guide: that on the same side of the head, where some of it
is known, and plain. Within the outline patches go on for a while, and fade into what is
painted there: what a network paints beside hair is not quite what is behind it.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.colour import is_plain
from facefill.imaging.grain import with_grain
from facefill.imaging.inpainting import copy_patches, surrounded
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels

_LEAST_KNOWN = 0.25
"""Pixels known of what is behind heads for one that is hidden, if it is to be filled
with patches of them."""

_LEAST_BESIDE = 0.05
"""The same beside one side of a head, if that is to be filled with patches of this side
alone. It has to be plain: a little of a crowd says nothing of what is above it."""

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


class Behind(NamedTuple):
    """What is known of a photo about what is behind its heads.

    Attributes:
        hidden: Pixels to fill, where they are behind heads, bool (height, width).
        known: Pixels that may be read, bool (height, width).
        given: Pixels that the photo shows itself, bool (height, width); some known
            ones were mirrored.
        outlines: Pixels that may be of heads or bodies, from which nothing is copied,
            bool (height, width).
        fades: Width of the band within the outlines in which patches fade out, in
            pixels of the photo, float32 (height, width).
        sides: Shares of each side of each head, float32 (height, width) each, which sum
            to 1.
    """

    hidden: Mask
    known: Mask
    given: Mask
    outlines: Mask
    fades: Floats
    sides: tuple[Floats, ...]

    def within(self, window: tuple[slice, slice]) -> "Behind":
        """The same of a part of the photo."""
        return Behind(
            self.hidden[window],
            self.known[window],
            self.given[window],
            self.outlines[window],
            self.fades[window],
            tuple(share[window] for share in self.sides),
        )

    @property
    def sources(self) -> Mask:
        """Pixels that may be copied."""
        return np.asarray(self.known & ~self.outlines)


def patched_behind(photo: Pixels, behind: Behind) -> Background:
    """Fill what is hidden behind heads with patches of what is known behind them.

    Args:
        photo: uint8 RGB (height, width, 3).
        behind: What is hidden, and what is known.

    Returns:
        The photo with patches, but for those connected parts around which too little is
        known.
    """
    known = behind.known[..., None]
    readable = np.where(known, photo, 0).astype(np.uint8)
    background = Background(readable, np.zeros(behind.hidden.shape, np.float32))
    parts = behind.hidden & ~behind.outlines
    _, labels = cv2.connectedComponents(parts.astype(np.uint8), connectivity=8)
    for label in np.unique(labels[parts]):
        _patch(background, labels == label, behind)
    return background._replace(patched=np.where(known, photo, background.patched))


def _patch(background: Background, part: Mask, behind: Behind) -> None:
    """Patch a connected part of what is behind heads, in place, if enough is known."""
    margin = math.ceil(_PATCHED * (float(behind.fades.max()) + 1.0))
    window = surrounded(bounding_window(part, margin))
    part, behind = part[window], behind.within(window)
    if behind.sources.sum() < _LEAST_KNOWN * part.sum():
        return
    away = cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L2, 5)
    widths = behind.fades + np.float32(1.0)
    # Twice as far, so that no pixel that shows is next to one that is not known.
    near = behind.hidden & behind.outlines & (away <= _PATCHED * widths)
    patched = _filled(background.patched[window], part, part | near, behind)
    shares = background.shares[window]
    nearer = (part | near) & (1.0 - away / widths > shares)
    shares[nearer] = (1.0 - away / widths)[nearer]
    background.patched[window][nearer] = patched[nearer]


def _filled(photo: Pixels, part: Mask, hole: Mask, behind: Behind) -> Pixels:
    """Fill a hole with patches, beside each side of a head with such of that side.

    Args:
        photo: uint8 RGB (height, width, 3).
        part: Pixels of the hole beyond outlines, bool (height, width).
        hole: Pixels to fill, bool (height, width).
        behind: What is known around them.
    """
    everything, given = behind.sources, behind.given & ~behind.outlines
    fills, is_sided = [], False
    for share in behind.sides:
        side = share > 0.5
        if not (hole & side).any():
            continue
        own = given & side
        enough = own.sum() >= _LEAST_BESIDE * (part & side).sum()
        enough = enough and is_plain(photo[own])
        fills.append((share, everything & side if enough else everything))
        is_sided |= bool(enough)
    if not is_sided:
        fills = [(np.ones_like(behind.fades), everything)]
    made = np.zeros(photo.shape, np.float32)
    total = np.zeros((*hole.shape, 1), np.float32)
    for share, sources in fills:
        patched, own = photo.copy(), hole & (share > 0.0)
        copy_patches(patched, own, ~sources & ~own)
        weights = (share * own)[..., None]
        made, total = made + weights * patched, total + weights
    whole = np.round(made / np.maximum(total, 1e-6))
    filled = np.where(total > 0.0, whole, photo).astype(np.uint8)
    return with_grain(filled, hole, everything)
