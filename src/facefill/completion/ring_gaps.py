"""Rings around a head, and gaps of theirs that are filled.

On each ring a gap is filled by blending the colours of its two ends. Its detail, such
as strands of hair, is patches of what is like them beside it. Where rings show at both
ends what is around the head, the head has ended.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facefill.completion.head_outlines import Outline
from facefill.imaging.grain import TO_DEVIATION
from facefill.imaging.inpainting import copy_patches
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

Floats = NDArray[np.float32]

_WIDEST_GAP = 100.0
"""Degrees around the head that are bridged at most."""

# All in sides of the face's crop.
_DETAIL = 0.03
"""Standard deviation of the blur along a ring that detail is lost in."""
_END = 0.16
"""Length of the end of a ring whose colours go on."""
_BESIDE = 0.5
"""Length of a ring beside a gap that detail is copied from."""
_FADE = 0.06
"""Within which the colour next to a gap becomes that of the ring's end."""

# Root mean square differences of three channels, in grey levels.
_ALIKE = 60.0
"""Of colours within the end of a ring that are of the same thing."""
_SAME = 25.0
"""Of places whose detail is copied, from the colour that goes on, and of what is around
a head from itself."""
_HALF = 0.5
"""How alike those are at least (1 = equal)."""

_EDGE = 2.5
"""Detail beyond as many standard deviations of that of a ring's ends is of edges, and
copied as no more than so much."""

AROUND = 1.2
"""Size of the outermost ring, in sizes of the head's outline."""
_SURELY_AROUND = 1.03
"""The same of the rings by which it is known what is around the head."""
_MOST_AROUND = 0.7
"""Share of the rings within the outline that may be around the head. If it is more at
either end, the head is of the same colour."""

_ZERO = 128
"""Of detail, in pictures of it."""


class Rings(NamedTuple):
    """Rings, from the innermost, from the left over the top to the right.

    Attributes:
        picture: uint8 RGB (rings, angles, 3).
        filled: Pixels that were filled, bool (rings, angles).
        around: Pixels that are left, since the head ends below them, bool (rings,
            angles).
    """

    picture: Pixels
    filled: Mask
    around: Mask


class _Ring(NamedTuple):
    """A ring, or a part of one.

    Attributes:
        picture: float32 (count, 3).
        level: The same without detail, float32 (count, 3).
        known: Pixels that are known, bool (count,).
    """

    picture: Floats
    level: Floats
    known: Mask

    def part(self, span: slice) -> "_Ring":
        """Some of its pixels, backwards if the span goes backwards."""
        return _Ring(self.picture[span], self.level[span], self.known[span])

    def colour(self, scale: float) -> Floats:
        """What goes on beyond its end, float32 (3,); the last pixel has to be known.

        Args:
            scale: Pixels per side of the face's crop.
        """
        end = self._end(scale)
        weights = _alike(end.picture, end.level[-1], _ALIKE) * end.known
        return np.asarray(weights @ end.picture / weights.sum(), np.float32)

    def continued(self, count: int, scale: float) -> Floats:
        """Colours beyond its end, float32 (count, 3); see ``colour``."""
        typical = self.colour(scale)
        away = np.arange(1, count + 1, dtype=np.float32)[:, None]
        fade = np.exp(-away / (_FADE * scale))
        return np.asarray(typical + fade * (self.level[-1] - typical), np.float32)

    def most_detail(self, scale: float) -> Floats:
        """Most detail at its end that is of no edge, float32 (3,); see ``colour``."""
        end = self._end(scale)
        found = np.abs(end.picture - end.level)[end.known]
        return np.asarray(_EDGE * TO_DEVIATION * np.median(found, axis=0), np.float32)

    def _end(self, scale: float) -> "_Ring":
        return self.part(slice(-max(round(_END * scale), 1), None))


class _Gap(NamedTuple):
    """What is not known of a ring between two parts that are.

    Attributes:
        row: Number of the ring, from the innermost.
        start: Of the gap.
        stop: Of the gap.
        scale: Pixels of the ring per side of the face's crop.
        before: What ends at its start.
        after: What ends at its stop, backwards.
    """

    row: int
    start: int
    stop: int
    scale: float
    before: _Ring
    after: _Ring

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """Colours that go on from either end."""
        return self.before.colour(self.scale), self.after.colour(self.scale)

    def bridge(self) -> Floats:
        """Colours of the gap: each of its ends, continued, fades into the other."""
        count = self.stop - self.start
        colours = self.before.continued(count, self.scale)
        others = self.after.continued(count, self.scale)[::-1]
        share = (np.arange(1, count + 1, dtype=np.float32) / (count + 1))[:, None]
        return np.asarray((1 - share) * colours + share * others, np.float32)


def filled_rings(picture: Pixels, known: Mask, outer: Outline) -> Rings:
    """Fill gaps of rings.

    Args:
        picture: uint8 RGB (rings, angles, 3).
        known: Pixels that are known, bool (rings, angles).
        outer: Its ellipse is the outermost ring.
    """
    rings, angles = known.shape
    scales = rings / (np.arange(rings) + 0.5) * angles / (math.pi * outer.radii[0])
    parted = [
        _ring(colours, seen, min(_DETAIL * scale, angles / 8.0))
        for colours, seen, scale in zip(picture, known, scales, strict=True)
    ]
    gaps = [
        _Gap(
            number,
            start,
            stop,
            float(scales[number]),
            ring.part(slice(start)),
            ring.part(slice(None, stop - 1, -1)),
        )
        for number, ring in enumerate(parted)
        for start, stop in _gaps(ring.known)
    ]
    first = _first_around(gaps, rings)
    filled, around = np.zeros_like(known), np.zeros_like(known)
    colours = picture.astype(np.float32)
    widest = _WIDEST_GAP / 180.0 * angles
    bridged = []
    for gap in gaps:
        hidden = gap.row, slice(gap.start, gap.stop)
        if gap.row >= first:
            around[hidden] = True
        elif gap.stop - gap.start <= widest:
            filled[hidden], colours[hidden] = True, gap.bridge()
            bridged.append(gap)
    colours += _patched_detail(parted, bridged, filled)
    return Rings(np.clip(np.round(colours), 0, 255).astype(np.uint8), filled, around)


def _first_around(gaps: Sequence[_Gap], rings: int) -> int:
    """Number of the first ring of those that show what is around a head at both ends.

    Further out, beyond its outline, all of them do.
    """
    outline = math.ceil(rings / AROUND)
    outermost = [gap.ends for gap in gaps if gap.row >= _SURELY_AROUND * outline]
    inner = sorted({gap.row for gap in gaps if gap.row < outline}, reverse=True)
    if not outermost or not inner:
        return outline
    counts = []
    for side, background in enumerate(np.median(outermost, axis=0)):
        others = {
            gap.row for gap in gaps if _alike(gap.ends[side], background, _SAME) < _HALF
        }
        ended = (count for count, row in enumerate(inner) if row in others)
        counts.append(next(ended, len(inner)))
    is_told_apart = max(counts) <= _MOST_AROUND * len(inner)
    return inner[min(counts) - 1] if is_told_apart and min(counts) else outline


def _patched_detail(
    parted: Sequence[_Ring], gaps: Sequence[_Gap], hole: Mask
) -> Floats:
    """Detail for gaps: patches of the detail of what is like their ends.

    Args:
        parted: All rings.
        gaps: The gaps.
        hole: Their pixels, bool (rings, angles).

    Returns:
        float32 (rings, angles, 3), 0 elsewhere.
    """
    detail = np.stack([ring.picture - ring.level for ring in parted])
    sources = np.zeros_like(hole)
    for gap in gaps:
        ring, reach = parted[gap.row], round(_BESIDE * gap.scale)
        ends = gap.before, gap.after
        most = np.max([end.most_detail(gap.scale) for end in ends], axis=0)
        detail[gap.row] = np.clip(detail[gap.row], -most, most)
        before = slice(max(gap.start - reach, 0), gap.start)
        after = slice(gap.stop, gap.stop + reach)
        for side, colour in zip((before, after), gap.ends, strict=True):
            alike = _alike(ring.level[side], colour, _SAME) >= _HALF
            sources[gap.row, side] |= alike & ring.known[side]
    if not sources.any():
        return np.zeros_like(detail)
    picture = np.clip(np.round(detail + _ZERO), 0, 255).astype(np.uint8)
    copy_patches(picture, hole, ~sources & ~hole)
    return (picture.astype(np.float32) - _ZERO) * hole[..., None]


def _ring(picture: Pixels, known: Mask, sigma: float) -> _Ring:
    """Tell the level of a ring, of its known pixels, from its detail."""
    shown = picture.astype(np.float32) * known[:, None]
    sums = gaussian_filter1d(shown, sigma, axis=0, mode="constant")
    counts = gaussian_filter1d(known.astype(np.float32), sigma, mode="constant")
    return _Ring(shown, sums / np.maximum(counts, 1e-3)[:, None], known)


def _gaps(known: Mask) -> list[tuple[int, int]]:
    """Where pixels between known ones are not known: starts and stops."""
    steps = np.diff(known.astype(np.int8))
    starts, stops = np.flatnonzero(steps < 0) + 1, np.flatnonzero(steps > 0) + 1
    if not known[0]:
        stops = stops[1:]
    return [(int(a), int(b)) for a, b in zip(starts, stops, strict=False)]


def _alike(colours: Floats, other: Floats, deviation: float) -> Floats:
    """How alike some colours are to another one, 1 if equal."""
    squares = ((colours - other) ** 2).mean(axis=-1)
    return np.asarray(np.exp(-squares / (2.0 * deviation**2)), np.float32)
