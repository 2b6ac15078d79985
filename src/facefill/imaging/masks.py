"""Masks: which pixels of a face are known.

Synopsis::

    mask = build_mask("center", 64)  # bool (64, 64), True = known
    mask = mask_from_photo(hole, matrix, 64)  # from a white-is-hole picture
    picture = hide(face, mask)  # what there is to see of the face

The shapes are those of bamos/dcgan-completion.tensorflow ``complete.py``, which
has ``center``, ``random``, ``left``, ``full``, ``grid`` and ``lowres``; the other
halves and ``pattern`` are those of ChengBinJin/semantic-image-inpainting, and
``strokes`` is after the free-form masks of Yu et al. 2019 (arXiv 1806.03589).
``denoise`` and ``colorize`` are ours, and leave no pixel known as it is either; what
there is instead is said by ``observations``.
"""

import math
from typing import Any, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.errors import MaskError
from facefill.imaging.geometry import share_of_square
from facefill.parameters.choices import MaskName
from facefill.parameters.defaults import CENTER_SCALE, RANDOM_FRACTION, STROKES
from facefill.runtime.rng import Purpose, keyed_rng

Mask: TypeAlias = NDArray[np.bool_]
"""Known pixels, bool (height, width), True = known."""

LOWRES_FACTOR = 8
GRID_SPACING = 4
HALVES: tuple[MaskName, ...] = ("left", "right", "top", "bottom")
HOLE_GREY = 128
WHITE = 128
"""A grey level from which a pixel of a mask file counts as white, a hole."""
# OpenCV rounds sampling positions to 1/32 pixel, and the inverse of the matrix
# is rounded besides; a neighbour that close to a position may be read or not.
_POSITION_ERROR = 1 / 16


def build_mask(
    name: MaskName,
    size: int,
    *,
    center_scale: float = CENTER_SCALE,
    random_fraction: float = RANDOM_FRACTION,
    strokes: int = STROKES,
    seed: int = 0,
) -> Mask:
    """Build a mask of a named shape.

    Args:
        name: ``center`` hides a square in the middle, ``random`` single pixels,
            ``left``, ``right``, ``top`` and ``bottom`` that half, ``half`` one of
            them, ``pattern`` random blobs, ``strokes`` those of a thick pen,
            ``grid`` all but every fourth pixel of every fourth row, ``lowres``,
            ``denoise`` and ``colorize`` every pixel (something else is known of
            it), and ``full`` none.
        size: Side of the face in pixels.
        center_scale: The centre hole spans rows and columns
            ``[int(size * scale), int(size * (1 - scale)))``; 0 < scale < 0.5.
        random_fraction: Chance of each pixel to be hidden by ``random``, share of
            the pixels that ``pattern`` hides.
        strokes: How many ``strokes`` there are.
        seed: Of the random shapes, at least 0: the same seed hides the same pixels.

    Returns:
        bool of shape (size, size), True = known.

    Raises:
        MaskError: If there is no such shape.
    """
    draw = keyed_rng(seed, Purpose.MASK)
    if name == "random":
        return np.asarray(draw.random((size, size)) >= random_fraction)
    if name == "pattern":
        return draw_pattern(draw, size, random_fraction)
    if name == "strokes":
        return draw_strokes(draw, size, strokes)
    if name == "half":
        name = HALVES[draw.integers(len(HALVES))]
    if name == "grid":
        mask = np.zeros((size, size), np.bool_)
        mask[::GRID_SPACING, ::GRID_SPACING] = True
        return mask
    mask = np.ones((size, size), np.bool_)
    mask[_rectangular_hole(name, size, center_scale)] = False
    return mask


def _rectangular_hole(
    name: MaskName, size: int, center_scale: float
) -> tuple[slice, slice]:
    middle = slice(int(size * center_scale), int(size * (1 - center_scale)))
    first, second = slice(size // 2), slice(size // 2, size)
    everything, nothing = slice(size), slice(0)
    holes = {
        "center": (middle, middle),
        "left": (everything, first),
        "right": (everything, second),
        "top": (first, everything),
        "bottom": (second, everything),
        "lowres": (everything, everything),
        "denoise": (everything, everything),
        "colorize": (everything, everything),
        "full": (nothing, nothing),
    }
    if name not in holes:
        raise MaskError(
            f"no mask is called '{name}'; there are {', '.join(get_args(MaskName))}"
        )
    return holes[name]


def lowres_factor(size: int) -> int:
    """Give the side of the blocks whose means the mask ``lowres`` leaves known.

    It is 8, the reference's, for every size of face that we train on: 64 pixels
    leave 8x8 means, 16 leave 2x2. Smaller faces would get blocks of half their
    side, so that there are 2x2 means at least.
    """
    return max(1, min(LOWRES_FACTOR, size // 2))


def mask_from_photo(
    hole: NDArray[np.uint8] | Mask, matrix: NDArray[np.float64], size: int
) -> Mask:
    """Carry a hole in a photo over to its aligned face.

    A pixel of the face is in the hole if any pixel of the photo that bilinear
    sampling reads for it is. So a known pixel never holds anything of what is
    under the hole, and the hole never comes out too small. Beyond the photo's
    edge nothing is hidden: the crop is black there.

    Args:
        hole: In the photo's own size (height, width): uint8 grey levels, of which
            128 and above are white, or bool; white or True = hole.
        matrix: float64 of shape (2, 3): ``matrix @ (x, y, 1)`` is a place in the
            face for a place in the photo.
        size: Side of the face in pixels.

    Returns:
        bool of shape (size, size), True = known.

    Raises:
        MaskError: If the hole is not a picture of one channel.
    """
    hidden = _as_bool(hole)
    height, width = hidden.shape
    x, y = _sampled_positions(matrix, size)
    mask = np.ones((size, size), np.bool_)
    for row in _read_indices(y):
        for column in _read_indices(x):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            mask[inside] &= ~hidden[row[inside], column[inside]]
    return mask


def mask_from_square(hole: NDArray[np.uint8] | Mask, size: int) -> Mask:
    """Carry a hole in a photo over to a crop by ``geometry.square_crop``.

    A pixel of the crop is in the hole if any pixel of the photo that it is the
    average of is.

    Args:
        hole: As in ``mask_from_photo``.
        size: Side of the crop in pixels.

    Returns:
        bool of shape (size, size), True = known.

    Raises:
        MaskError: If the hole is not a picture of one channel.
    """
    return np.asarray(share_of_square(_as_bool(hole), size) == 0.0)


def _as_bool(hole: NDArray[Any]) -> Mask:
    if hole.ndim != 2:
        raise MaskError(
            f"a mask of shape {hole.shape}; it must have one channel, (height, width)"
        )
    return hole if hole.dtype == np.bool_ else np.asarray(hole >= WHITE)


def _sampled_positions(
    matrix: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give x and y in the photo for each pixel of the face, each (size, size)."""
    inverse = np.linalg.inv(np.vstack([matrix, (0.0, 0.0, 1.0)]))[:2]
    row, column = np.mgrid[:size, :size]
    x, y = np.tensordot(inverse, np.stack([column, row, np.ones_like(row)]), axes=1)
    return x, y


def _read_indices(position: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Give the indices that sampling at a position may read along one axis."""
    first = np.floor(position - _POSITION_ERROR).astype(np.int64)
    last = np.floor(position + _POSITION_ERROR).astype(np.int64) + 1
    # Three at most: the error is below half a pixel.
    return [first, np.minimum(first + 1, last), last]


def hide(face: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Paint the hole of a face grey, for people to look at.

    Args:
        face: uint8 RGB of shape (height, width, 3).
        mask: Known pixels, bool (height, width), True = known.

    Returns:
        A new picture; known pixels are as they were.
    """
    return np.where(mask[..., None], face, np.uint8(HOLE_GREY))


_STROKE_VERTICES = 5


def draw_pattern(
    draw: np.random.Generator, size: int, fraction: float
) -> NDArray[np.bool_]:
    """Hide ellipses until a share of the pixels is hidden.

    Args:
        draw: Of places, axes and angles.
        size: Side of the face in pixels.
        fraction: Share at which the blobs end; each hides up to a twentieth of the
            face, by which the last may go beyond.
    """
    hidden = np.zeros((size, size), np.uint8)
    while True:
        before = hidden.copy()
        center = draw.integers(size, size=2).tolist()
        axes = np.ceil(draw.uniform(size / 32, size / 8, 2)).astype(int).tolist()
        angle = draw.uniform(0.0, 180.0)
        cv2.ellipse(hidden, center, axes, angle, 0.0, 360.0, 1, cv2.FILLED)
        if hidden.all():
            return np.asarray(before == 0)
        if hidden.mean() >= fraction:
            return np.asarray(hidden == 0)


def draw_strokes(draw: np.random.Generator, size: int, count: int) -> NDArray[np.bool_]:
    """Hide strokes of a round pen that turns back and forth as it goes.

    Args:
        draw: Of places, directions and widths.
        size: Side of the face in pixels.
        count: Strokes, at least 1. One that would hide the last known pixel is left
            out.
    """
    hidden = np.zeros((size, size), np.uint8)
    for _ in range(count):
        before = hidden.copy()
        place = draw.uniform(0.0, size - 1.0, 2)
        width = max(1, round(draw.uniform(size / 32, size / 8)))
        direction = draw.uniform(0.0, 2.0 * math.pi)
        for vertex in range(_STROKE_VERTICES):
            # Every second turn goes back, so that a stroke stays about its place.
            turned = direction + draw.uniform(-0.9, 0.9) + math.pi * (vertex % 2)
            step = draw.uniform(size / 8, size / 3)
            way = step * np.array([math.cos(turned), math.sin(turned)])
            following = np.clip(place + way, 0.0, size - 1.0)
            ends = [np.rint(end).astype(int).tolist() for end in (place, following)]
            cv2.line(hidden, ends[0], ends[1], 1, width)
            cv2.circle(hidden, ends[1], width // 2, 1, cv2.FILLED)
            place = following
        if hidden.all():
            hidden = before
    return np.asarray(hidden == 0)
