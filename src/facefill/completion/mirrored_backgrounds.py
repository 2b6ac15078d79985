"""Backgrounds that came with mirrored heads, and are not what is behind them there.

The mirror image of half a head shows what is behind that half, too. Where that is a
wall on both sides, nobody sees it. Where a flag hangs on one side alone, the flag's
mirror image would stand in the sky on the other. Which pixels are of the head is told
by GrabCut (Rother, Kolmogorov and Blake 2004, in OpenCV) from colours and from where
heads usually are.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from facefill.completion.head_outlines import HEAD, HIGH, Floats, Mirror, Places, places
from facefill.completion.mirrored_heads import mirrored_head
from facefill.imaging.colour import is_plain
from facefill.imaging.geometry import shrink
from facefill.imaging.inpainting import LEAST_TEXTURE
from facefill.imaging.masks import Mask, any_of_blocks, mean_around, widest_circle
from facefill.imaging.photos import Pixels

_SIDE = 128
"""Pixels of a crop, along a side, that are looked at."""

_CHIN = 0.45
"""How far down heads are told from what is behind them, in sides of the crop from its
middle: below are bodies."""

_POSSIBLE = HEAD._replace(radii=(0.95, 1.2))
"""Beyond it is nothing of a head."""
_LIKELY = HEAD._replace(radii=(0.75, 0.95))
"""Within it most is of the head."""
_CERTAIN = HEAD._replace(centre=-0.05, radii=(0.42, 0.55))
"""Within it all is: the face."""

_SMOOTHNESS = 1.0
"""Standard deviation of the blur that a head's outline is smoothed by, in pixels of
the view."""

_ROUNDS = 6
"""Of GrabCut."""
_SEED = 1
_FEWEST = 50
"""Pixels from which colours are taken."""

_LEAST_KNOWN = 0.05
"""Pixels known of what is behind one half for one that was mirrored beside it."""
_DIFFERENT = 15.0
"""Distance in CIELAB from which a colour is none of a background's."""
_MOST = 0.5
"""Share of the mirrored pixels behind one half that have such colours, if they do not
belong there."""
_NEIGHBOURS = 5
"""The distance of a colour from others is that of the fifth nearest."""
_COLOURS = 3000
"""So many of a background's colours are compared at most."""


def misplaced_background(
    photo: Pixels,
    known: Mask,
    mirrored: Mask,
    tops: Mask,
    to_square: NDArray[np.float64],
    mirror: Mirror,
) -> Mask:
    """Tell which mirrored pixels are of a background that is not that of their side.

    Each side of a head is judged as a whole. Its mirrored background is misplaced if
    what is known behind this half is plain, and most of what was mirrored beside it is
    unlike that, and more like what is known behind the other half. Then it is what of
    the mirrored pixels above the chin is not of the head.

    Args:
        photo: The photo with mirrored pixels and tops, uint8 RGB (height, width, 3).
        known: Pixels that it showed itself, or of completed faces, bool (height,
            width).
        mirrored: Pixels that are mirrored, bool (height, width).
        tops: Pixels filled between both halves, taken to be of the head, bool (height,
            width).
        to_square: Map from the photo to the crop as the unit square, float64 (2, 3).
        mirror: Of the head.
    """
    view = _view(photo, known, mirrored, tops, to_square, mirror)
    beside = view.mirrored & ~_LIKELY.mask(view.where, mirror)
    beside &= view.where.down < _CHIN
    background = view.known & ~HIGH.mask(view.where, mirror)
    on_right = view.where.across > mirror.middle
    found = np.zeros_like(beside)
    for side in (on_right, ~on_right):
        if view.differs(beside & side, background & side, background & ~side):
            found |= side
    if not found.any():
        return np.zeros_like(mirrored)
    head = _head(view, mirror)
    height, width = known.shape
    size = head.shape[1] * view.factor, head.shape[0] * view.factor
    # What is hidden in the view, next to the tear, is as what is seen beside it.
    taken = mean_around((found & ~head).astype(np.float32), view.seen, _SMOOTHNESS)
    shares = cv2.resize(taken, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
    is_above = places((height, width), to_square).down < _CHIN
    return np.asarray(mirrored & is_above & (shares > 0.5))


class _View(NamedTuple):
    """A photo whose faces have 64 to 128 pixels a side, if it is large.

    Attributes:
        factor: Pixels of the photo for one of the view, along a side.
        where: Places of the pixels.
        photo: uint8 RGB; black where nothing is known or filled.
        raw: The same, mirrored pixels as they were elsewhere in the photo.
        known: Pixels that are known, bool.
        mirrored: Pixels that are mirrored, bool.
        tops: Pixels filled between both halves, bool.
    """

    factor: int
    where: Places
    photo: Pixels
    raw: Pixels
    known: Mask
    mirrored: Mask
    tops: Mask

    @property
    def seen(self) -> Mask:
        """Pixels that show something."""
        return self.known | self.mirrored | self.tops

    def differs(self, pixels: Mask, own: Mask, other: Mask) -> bool:
        """Whether most pixels are not of their own background, but of another.

        Args:
            pixels: Mirrored pixels beside the head, bool.
            own: Known pixels behind the half where they are, bool.
            other: Known pixels behind the half where they came from, bool.
        """
        fewest = max(_LEAST_KNOWN * pixels.sum(), _FEWEST)
        if min(pixels.sum(), other.sum()) < _FEWEST or own.sum() < fewest:
            return False
        has_room = widest_circle(own) * self.factor >= LEAST_TEXTURE
        if not has_room or not is_plain(self.raw[own]):
            return False
        colours, of_own, of_other = (
            _lab(self.raw[each]) for each in (pixels, own, other)
        )
        away = _distances(colours, of_own)
        strange = (away > _DIFFERENT) & (_distances(colours, of_other) < away)
        return bool(strange.mean() > _MOST)


def _view(
    photo: Pixels,
    known: Mask,
    mirrored: Mask,
    tops: Mask,
    to_square: NDArray[np.float64],
    mirror: Mirror,
) -> _View:
    scale = abs(np.linalg.det(to_square[:, :2])) ** -0.5
    factor = max(1, math.ceil(scale / _SIDE))
    filled = known | mirrored | tops
    small = shrink(np.where(filled[..., None], photo, 0).astype(np.uint8), factor)
    seen = ~any_of_blocks(~known, factor)
    # The middle of the first block is the middle of the first pixel.
    shift = to_square[:, :2] @ np.full(2, (factor - 1) / 2.0) + to_square[:, 2]
    square = np.column_stack([to_square[:, :2] * factor, shift])
    image = mirrored_head(small, seen, square, mirror)
    placed = ~any_of_blocks(~(known | mirrored), factor) & ~seen & image.shown
    return _View(
        factor=factor,
        where=places((seen.shape[0], seen.shape[1]), square),
        photo=small,
        raw=np.where(placed[..., None], image.picture, small).astype(np.uint8),
        known=seen,
        mirrored=placed,
        tops=~any_of_blocks(~tops, factor),
    )


def _head(view: _View, mirror: Mirror) -> Mask:
    """Pixels of the head, above the chin."""
    where, seen = view.where, view.seen & (view.where.down < _CHIN)
    certain, likely, possible = (
        outline.mask(where, mirror) for outline in (_CERTAIN, _LIKELY, _POSSIBLE)
    )
    if not (seen & certain).any():
        return np.ones_like(seen)
    beyond = seen & ~possible
    if beyond.sum() < _FEWEST:
        beyond = seen & ~likely  # many, or nothing would have been judged
    # What is unknown has colours of what is behind the head.
    photo, random = view.photo.copy(), np.random.default_rng(_SEED)
    photo[~seen] = random.choice(photo[beyond], int((~seen).sum()))
    labels = np.full(seen.shape, cv2.GC_BGD, np.uint8)
    for mask, label in (
        (possible, cv2.GC_PR_BGD),
        (likely, cv2.GC_PR_FGD),
        (certain, cv2.GC_FGD),
    ):
        labels[mask & seen] = label
    behind, front, unused = np.zeros((1, 65)), np.zeros((1, 65)), (0, 0, 1, 1)
    cv2.setRNGSeed(_SEED)
    cv2.grabCut(photo, labels, unused, behind, front, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    head = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return _whole(head, certain & seen, view.tops, where.down < 0.0)


def _whole(head: Mask, face: Mask, tops: Mask, above: Mask) -> Mask:
    """A head without islands and gaps, convex above the nose, as hats are."""
    _, parts = cv2.connectedComponents(head.astype(np.uint8))
    head = np.isin(parts, np.unique(parts[face & head]))
    _, gaps = cv2.connectedComponents((~head).astype(np.uint8))
    border = np.concatenate([gaps[0], gaps[-1], gaps[:, 0], gaps[:, -1]])
    head = ~np.isin(gaps, border[border > 0])
    rows, columns = np.nonzero((head | tops) & above)
    hull = np.zeros(head.shape, np.uint8)
    if rows.size:
        points = np.column_stack([columns, rows]).astype(np.int32)
        cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return np.asarray(head | (hull > 0))


def _lab(pixels: Pixels) -> Floats:
    """CIELAB of some of the pixels, float32 (n, 3)."""
    some = pixels[:: -(-len(pixels) // _COLOURS)][None]
    values = some.astype(np.float32) / np.float32(255.0)
    return np.asarray(cv2.cvtColor(values, cv2.COLOR_RGB2LAB)[0], np.float32)


def _distances(colours: Floats, others: Floats) -> NDArray[np.float64]:
    """Distance of each colour to the fifth nearest of others, float64 (n,)."""
    distances, _ = KDTree(others).query(colours, [_NEIGHBOURS])
    return np.asarray(distances[:, 0], np.float64)
