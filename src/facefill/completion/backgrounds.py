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
from facefill.imaging.inpainting import (
    LEAST_TEXTURE,
    MAX_WINDOW_PIXELS,
    copy_patches,
    surrounded,
)
from facefill.imaging.masks import Mask, bounding_window, widest_circle
from facefill.imaging.photos import Pixels

_LEAST_KNOWN = 0.25
"""Pixels known of what is behind heads for one that is hidden, if it is to be filled
with patches of them."""

_LEAST_BESIDE = 0.05
"""The same beside one side of a head, if that is to be filled with patches of this side
alone. It has to be plain: a little of a crowd says nothing of what is above it."""

_HALF = 0.5
"""Share from which on a pixel is of a side."""

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
        right: Share of the right side of the head at each pixel, the rest of the left
            one's, float32 (height, width); 1 all over if no sides are told apart.
    """

    hidden: Mask
    known: Mask
    given: Mask
    outlines: Mask
    fades: Floats
    right: Floats

    def within(self, window: tuple[slice, slice]) -> "Behind":
        """The same of a part of the photo."""
        return Behind(
            self.hidden[window],
            self.known[window],
            self.given[window],
            self.outlines[window],
            self.fades[window],
            self.right[window],
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
    fills, is_sided = [], False
    for share in (behind.right, 1.0 - behind.right):
        side, own = share >= _HALF, hole & (share > 0.0)
        if own.any():
            tells = _tells(
                photo, part & side, own, behind.given & side & ~behind.outlines
            )
            fills.append((share, own, behind.sources & (side | (not tells))))
            is_sided |= tells
    if not is_sided:
        fills = [(np.ones_like(behind.right), hole, behind.sources)]
    made = np.zeros(photo.shape, np.float32)
    total = np.zeros((*hole.shape, 1), np.float32)
    for share, own, sources in fills:
        patched = photo.copy()
        copy_patches(patched, own, ~sources & ~own)
        weights = (share * own)[..., None]
        made, total = made + weights * patched, total + weights
    whole = np.round(made / np.maximum(total, 1e-6))
    filled = np.where(total > 0.0, whole, photo).astype(np.uint8)
    return with_grain(filled, hole, behind.sources)


def _tells(photo: Pixels, part: Mask, hole: Mask, given: Mask) -> bool:
    """Whether what is known beside a side of a head says what is behind that side.

    Args:
        photo: uint8 RGB (height, width, 3).
        part: Pixels of the side to fill, beyond outlines, bool (height, width).
        hole: All that is filled with its patches, bool (height, width).
        given: What the photo shows of the side, beyond outlines, bool (height, width).
    """
    window = surrounded(bounding_window(hole))
    near = given[window]
    if not near.any() or near.sum() < _LEAST_BESIDE * part.sum():
        return False
    # Of so many pixels of the photo one is left for patches.
    shrunk = max(1.0, near.size / MAX_WINDOW_PIXELS) ** 0.5
    has_room = widest_circle(near) >= shrunk * LEAST_TEXTURE
    return has_room and is_plain(photo[window][near])
