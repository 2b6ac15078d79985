"""Holes to train the refiner on: what people lose of a photo."""

import math

import cv2
import numpy as np

from facefill.imaging.masks import Mask, build_mask, draw_pattern, draw_strokes

_SHARES = {
    "center": 0.2,
    "ellipse": 0.25,
    "beyond_line": 0.2,
    "strokes": 0.15,
    "pattern": 0.1,
    "scratches": 0.1,
}
"""How often each kind comes."""
_LEAST, _MOST = 0.02, 0.7
"""Share of a crop that a hole hides."""


def draw_hole(rng: np.random.Generator, size: int) -> Mask:
    """Draw the known pixels of a crop in which something is missing.

    The kinds are a square in the middle, an ellipse anywhere (an eye, a mouth, a
    stain), all beyond a line (half a photo, a torn corner), strokes, blobs, and
    scratches.

    Args:
        rng: Source of random numbers.
        size: Side of the crop in pixels.

    Returns:
        bool (size, size), True = known; between 2 and 70 % are not.
    """
    while True:
        known = _draw(rng, size)
        if _LEAST <= 1.0 - known.mean() <= _MOST:
            return known


def _draw(rng: np.random.Generator, size: int) -> Mask:
    kind = rng.choice(list(_SHARES), p=list(_SHARES.values()))
    if kind == "center":
        return build_mask("center", size, center_scale=rng.uniform(0.2, 0.33))
    if kind == "ellipse":
        return hide_ellipse(rng, size)
    if kind == "beyond_line":
        angle = rng.choice(4) * math.pi / 2 + rng.normal(0.0, 0.25)
        return hide_beyond_line(rng, size, angle, (-0.1, 0.4))
    if kind == "strokes":
        return draw_strokes(rng, size, int(rng.integers(1, 5)))
    if kind == "pattern":
        return draw_pattern(rng, size, rng.uniform(0.1, 0.5))
    return _scratches(rng, size)


def hide_ellipse(rng: np.random.Generator, size: int) -> Mask:
    """Hide an ellipse anywhere; see ``draw_hole``."""
    hidden = np.zeros((size, size), np.uint8)
    centre = np.rint(rng.uniform(0.1, 0.9, 2) * size).astype(int).tolist()
    axes = np.ceil(rng.uniform(0.08, 0.4, 2) * size).astype(int).tolist()
    angle = rng.uniform(0.0, 180.0)
    cv2.ellipse(hidden, centre, axes, angle, 0.0, 360.0, 1, cv2.FILLED)
    return np.asarray(hidden == 0)


def hide_beyond_line(
    rng: np.random.Generator, size: int, angle: float, limits: tuple[float, float]
) -> Mask:
    """Hide what is beyond a line, wavy half of the times, as paper tears.

    Args:
        rng: Source of random numbers.
        size: Side of the crop in pixels.
        angle: Direction of what is hidden, in radians: 0 to the right, pi / 2 down.
        limits: Least and largest distance of the line from the middle of the crop, in
            its sides; negative beyond the middle.

    Returns:
        bool (size, size), True = known.
    """
    row, column = np.mgrid[:size, :size] / size - 0.5
    along = math.cos(angle) * row - math.sin(angle) * column
    across = math.sin(angle) * row + math.cos(angle) * column
    if rng.random() < 0.5:
        waves = rng.uniform(2.0, 12.0, 3), rng.uniform(0.0, 2 * math.pi, 3)
        parts = [np.sin(a * along + b) for a, b in zip(*waves, strict=True)]
        across = across + 0.03 * np.sum(parts, axis=0)
    return np.asarray(across < rng.uniform(*limits))


def _scratches(rng: np.random.Generator, size: int) -> Mask:
    hidden = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 5)):
        ends = np.rint(rng.uniform(-0.1, 1.1, (2, 2)) * size).astype(int).tolist()
        width = int(rng.integers(max(1, size // 64), max(2, size // 12)))
        cv2.line(hidden, ends[0], ends[1], 1, width)
    return np.asarray(hidden == 0)
