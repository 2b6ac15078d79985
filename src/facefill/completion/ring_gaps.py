"""Rings around a head, and gaps of theirs that are filled.

On each ring a gap is filled by blending the colours of its two ends. Its detail, such
as strands of hair, is patches of what is like them beside it.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facefill.completion.head_outlines import Outline
from facefill.imaging.inpainting import LEAST_TEXTURE, copy_patches
from facefill.imaging.masks import Mask, widest_circle
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
"""Of places whose detail is copied, from the colour that goes on."""
_HALF = 0.5
"""How alike those are at least (1 = equal)."""

_ZERO = 128
"""Of detail, in pictures of it."""


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
        end = self.part(slice(-max(round(_END * scale), 1), None))
        weights = _alike(end.picture, end.level[-1], _ALIKE) * end.known
        return np.asarray(weights @ end.picture / weights.sum(), np.float32)

    def continued(self, count: int, scale: float) -> Floats:
        """Colours beyond its end, float32 (count, 3); see ``colour``."""
        typical = self.colour(scale)
        away = np.arange(1, count + 1, dtype=np.float32)[:, None]
        fade = np.exp(-away / (_FADE * scale))
        return np.asarray(typical + fade * (self.level[-1] - typical), np.float32)


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


def filled_rings(picture: Pixels, known: Mask, outline: Outline) -> tuple[Pixels, Mask]:
    """Fill gaps of rings, and say where.

    Args:
        picture: From the innermost, from the left over the top to the right, uint8 RGB
            (rings, angles, 3).
        known: Pixels that are known, bool (rings, angles).
        outline: Its ellipse is the outermost ring.
    """
    rings, angles = known.shape
    widest = _WIDEST_GAP / 180.0 * angles
    scales = rings / (np.arange(rings) + 0.5) * angles / (math.pi * outline.radii[0])
    parted = [
        _ring(colours, seen, min(_DETAIL * scale, angles / 8.0))
        for colours, seen, scale in zip(picture, known, scales, strict=True)
    ]
    gaps = [
        gap
        for row, ring in enumerate(parted)
        for gap in _gaps(row, ring, float(scales[row]))
        if gap.stop - gap.start <= widest
    ]
    colours, filled = picture.astype(np.float32), np.zeros_like(known)
    for gap in gaps:
        hidden = gap.row, slice(gap.start, gap.stop)
        filled[hidden], colours[hidden] = True, gap.bridge()
    colours += _patched_detail(parted, gaps, filled)
    return np.clip(np.round(colours), 0, 255).astype(np.uint8), filled


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
    detail = np.stack(
        [(ring.picture - ring.level) * ring.known[:, None] for ring in parted]
    )
    sources = np.zeros_like(hole)
    for gap in gaps:
        ring, reach = parted[gap.row], round(_BESIDE * gap.scale)
        before = slice(max(gap.start - reach, 0), gap.start)
        after = slice(gap.stop, gap.stop + reach)
        for side, colour in zip((before, after), gap.ends, strict=True):
            alike = _alike(ring.level[side], colour, _SAME) >= _HALF
            sources[gap.row, side] |= alike & ring.known[side]
    if widest_circle(sources) < LEAST_TEXTURE:
        return np.zeros_like(detail)
    coded = np.clip(np.round(detail + _ZERO), 1, 255).astype(np.uint8)
    coded[~sources] = np.where(hole[~sources], 0, _ZERO)[:, None]
    copy_patches(coded, hole, ~sources & ~hole)
    # What no patch was found for stays black.
    found = hole & (coded > 0).all(axis=-1)
    return (coded.astype(np.float32) - _ZERO) * found[..., None]


def _ring(picture: Pixels, known: Mask, sigma: float) -> _Ring:
    """Tell the level of a ring, of its known pixels, from its detail."""
    shown = picture.astype(np.float32) * known[:, None]
    sums = gaussian_filter1d(shown, sigma, axis=0, mode="constant")
    counts = gaussian_filter1d(known.astype(np.float32), sigma, mode="constant")
    return _Ring(shown, sums / np.maximum(counts, 1e-3)[:, None], known)


def _gaps(row: int, ring: _Ring, scale: float) -> list[_Gap]:
    """Gaps of a ring; see ``_Gap``."""
    steps = np.diff(ring.known.astype(np.int8))
    starts, stops = np.flatnonzero(steps < 0) + 1, np.flatnonzero(steps > 0) + 1
    if not ring.known[0]:
        stops = stops[1:]
    pairs = zip(starts.tolist(), stops.tolist(), strict=False)
    return [
        _Gap(
            row,
            start,
            stop,
            scale,
            before=ring.part(slice(start)),
            after=ring.part(slice(None, stop - 1, -1)),
        )
        for start, stop in pairs
    ]


def _alike(colours: Floats, other: Floats, deviation: float) -> Floats:
    """How alike some colours are to another one, 1 if equal."""
    squares = ((colours - other) ** 2).mean(axis=-1)
    return np.asarray(np.exp(-squares / (2.0 * deviation**2)), np.float32)
