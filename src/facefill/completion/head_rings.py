"""Tops of heads: what a hole leaves between both halves of one that was mirrored.

Above a torn corner each half ends where the photo is torn, and what is between their
ends is known of neither. Hair, hats and foreheads go around a head. So it is unwrapped
into ellipses about it, here called rings, whose gaps are filled (``ring_gaps``).
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.head_outlines import Mirror, Outline, Places, places
from facefill.completion.mirrored_heads import pixels_at
from facefill.completion.ring_gaps import filled_rings
from facefill.imaging.geometry import inverted, shrink
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask, any_of_blocks, bounding_window, mean_around
from facefill.imaging.photos import Pixels

Floats = NDArray[np.float32]

_MOST_RINGS = 400
"""Of larger heads so many are unwrapped, from blocks of pixels: a second of work."""

# All in sides of the face's crop.
_FADE = 0.06
"""Within which the level of known pixels below or above the filled rings is lost."""
_BORDER = 0.02
"""Width of what is compared there on either side."""

_LEAST_SHARE = 0.01
"""Of filled pixels around a known one, without which there is no level to compare."""


def fill_between_halves(
    photo: Pixels,
    wanted: Mask,
    known: Mask,
    to_square: NDArray[np.float64],
    mirror: Mirror,
    outline: Outline,
) -> tuple[Pixels, Mask]:
    """Fill what is hidden of the top of a head between what is known on either side.

    Args:
        photo: uint8 RGB (height, width, 3); pixels that are not known are not read.
        wanted: Pixels to fill, bool (height, width).
        known: Pixels that may be read, bool (height, width).
        to_square: Map from the photo to the crop as the unit square, float64 (2, 3).
        mirror: Of the head.
        outline: Around the head; its ellipse is the outermost ring.

    Returns:
        uint8 RGB (height, width, 3), and what was filled, bool (height, width): wanted
        pixels in gaps of at most 100 degrees, in the upper half of the ellipse, that
        have known pixels of the same ring at both ends.
    """
    to_photo = inverted(to_square)
    height = float(np.linalg.norm(to_photo[:, 1])) * outline.radii[1]
    factor = max(1, math.ceil(height / _MOST_RINGS))
    rings = max(1, math.ceil(height / factor))
    angles = math.ceil(math.pi * rings * outline.radii[0] / outline.radii[1])
    columns, rows = _unwrapping((rings, angles), to_photo, mirror, outline)
    seen, visible = photo, known
    if factor > 1:
        # The middle of the first block is the middle of the first pixel.
        columns, rows = (
            ((each + 0.5) / factor - 0.5).astype(np.float32) for each in (columns, rows)
        )
        seen = shrink(photo, factor)
        # Of a block that is known in part nothing is read.
        visible = ~any_of_blocks(~known, factor)
    picture, shown = pixels_at(seen, visible, columns, rows)
    filled, done = filled_rings(picture, shown, outline)
    where = places((known.shape[0], known.shape[1]), to_square)
    back = _wrapping((rings, angles), where, mirror, outline)
    shares = cv2.remap((done | shown).astype(np.float32), *back, cv2.INTER_LINEAR)
    inside = wanted & (shares > 0.999)
    wrapped = cv2.remap(filled, *back, cv2.INTER_LINEAR)
    whole = np.where(inside[..., None], wrapped, photo).astype(np.uint8)
    return _with_level(whole, inside, known, height / outline.radii[1]), inside


def _with_level(photo: Pixels, filled: Mask, known: Mask, scale: float) -> Pixels:
    """Give what was filled the level of known pixels next to it.

    Rings meet what is on them, but not what is below the lowest one that was filled.

    Args:
        photo: uint8 RGB (height, width, 3).
        filled: Pixels that were, bool (height, width).
        known: Pixels that were known, bool (height, width).
        scale: Pixels per side of the face's crop.
    """
    if not filled.any():
        return photo
    width = max(_BORDER * scale, 1.0)
    window = bounding_window(filled, math.ceil(width))
    pixels, inside = photo[window].astype(np.float32), filled[window]
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    border = known[window] & (away <= width)
    if not border.any():
        return photo
    step = mean_around(pixels, border, width) - mean_around(pixels, inside, width)
    # Of next to nothing there is no mean.
    share = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), width)
    step[~border | (share < _LEAST_SHARE)] = 0.0
    depth = cv2.distanceTransform((~border).astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.exp(-depth / (_FADE * scale))
    added = membrane(step, border | ~inside) * fade[..., None]
    levelled = np.clip(np.round(pixels + added), 0, 255)
    photo = photo.copy()
    photo[window][inside] = levelled[inside]
    return photo


def _unwrapping(
    shape: tuple[int, int],
    to_photo: NDArray[np.float64],
    mirror: Mirror,
    outline: Outline,
) -> tuple[Floats, Floats]:
    """Columns and rows of a photo that rings show, both float32 (rings, angles).

    Ring by ring from the innermost, from the left over the top to the right.
    """
    reach, turn = ((np.arange(count) + 0.5) / count for count in shape)
    sizes, turns = reach[:, None], np.pi * (turn - 0.5)
    wide, high = outline.radii
    across = mirror.turned((sizes * wide * np.sin(turns)).astype(np.float32)) + 0.5
    down = outline.centre - sizes * high * np.cos(turns) + 0.5
    columns, rows = (
        (x * across + y * down + shift).astype(np.float32) for x, y, shift in to_photo
    )
    return columns, rows


def _wrapping(
    shape: tuple[int, int], where: Places, mirror: Mirror, outline: Outline
) -> tuple[Floats, Floats]:
    """Angles and rings at the pixels of a photo, both float32 (height, width)."""
    rings, angles = shape
    wide, high = outline.radii
    beside = mirror.unturned(where.across) / wide
    above = (outline.centre - where.down) / high
    turns = np.arctan2(beside, above) / np.pi + 0.5
    sizes = np.hypot(beside, above)
    return (
        (turns * angles - 0.5).astype(np.float32),
        (sizes * rings - 0.5).astype(np.float32),
    )
