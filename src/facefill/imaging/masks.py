"""Masks: which pixels of a face are known.

Synopsis::

    mask = build_mask("center", 64)  # bool (64, 64), True = known
    mask = mask_from_photo(hole, matrix, 64)  # from a white-is-hole picture
    picture = hide(face, mask)  # the face with a grey hole

The shapes are those of bamos/dcgan-completion.tensorflow ``complete.py``, which
has ``center``, ``random``, ``left``, ``full`` and ``grid``; the other
halves and ``pattern`` are those of ChengBinJin/semantic-image-inpainting, and
``strokes`` is after the free-form masks of Yu et al. 2019 (arXiv 1806.03589). The
reference's ``lowres``, and ``denoise`` and ``colorize``, have no hole and are in
``tasks``.
"""

import math
from typing import Any, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.errors import MaskError
from facefill.imaging.geometry import share_of_square, shrinking
from facefill.parameters.choices import MaskName
from facefill.parameters.defaults import CENTER_SCALE, RANDOM_FRACTION, STROKES
from facefill.runtime.rng import Purpose, keyed_rng

Mask: TypeAlias = NDArray[np.bool_]
"""Known pixels, bool (height, width), True = known."""

GRID_SPACING = 4
HALVES: tuple[MaskName, ...] = ("left", "right", "top", "bottom")
HOLE_GREY = 128
WHITE = 128
"""A grey level from which a pixel of a mask file counts as white, a hole."""
# OpenCV rounds sampling positions to 1/32 pixel, and the inverse of the matrix
# is rounded besides; a neighbour that close to a position may be read or not.
_POSITION_ERROR = 1 / 16
_STROKE_VERTICES = 5


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
            ``grid`` all but every fourth pixel of every fourth row, and ``full``
            none.
        size: Side of the face in pixels.
        center_scale: The centre hole spans rows and columns
            ``[int(size * scale), int(size * (1 - scale)))``; 0 < scale < 0.5.
        random_fraction: Probability of each pixel to be hidden by ``random``, and
            share of the pixels that ``pattern`` hides.
        strokes: Number of ``strokes``.
        seed: Seed of random shapes, at least 0.

    Returns:
        bool of shape (size, size), True = known.

    Raises:
        MaskError: If there is no such shape.
    """
    rng = keyed_rng(seed, Purpose.MASK)
    if name == "random":
        return np.asarray(rng.random((size, size)) >= random_fraction)
    if name == "pattern":
        return draw_pattern(rng, size, random_fraction)
    if name == "strokes":
        return draw_strokes(rng, size, strokes)
    if name == "half":
        name = HALVES[rng.integers(len(HALVES))]
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
        "full": (nothing, nothing),
    }
    if name not in holes:
        raise MaskError(
            f"no mask is called '{name}'; there are {', '.join(get_args(MaskName))}"
        )
    return holes[name]


def mask_from_photo(
    hole: NDArray[np.uint8] | Mask, matrix: NDArray[np.float64], size: int
) -> Mask:
    """Mask of an aligned face, from the hole of its photo.

    A pixel of the face is in the hole if any pixel of the photo that ``geometry.warp``
    reads for it is, so that a known pixel never holds anything of what is under the
    hole; or if a pixel of the hole falls into it, so that a hole between the samples of
    a large face is not overlooked. What lies beyond the photo's edge is not known.

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
    factor, matrix_of_blocks = shrinking(matrix, hidden.shape)
    blocks = hidden if factor == 1 else any_of_blocks(hidden, factor)
    height, width = blocks.shape
    x, y = _sampled_positions(matrix_of_blocks, size)
    mask = np.ones((size, size), np.bool_)
    for row in _read_indices(y):
        for column in _read_indices(x):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            mask &= inside
            mask[inside] &= ~blocks[row[inside], column[inside]]
    rows, columns = np.nonzero(hidden)
    into = matrix @ np.stack([columns, rows, np.ones_like(rows)])
    column, row = np.floor(into + 0.5).astype(np.int64)
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    mask[row[inside], column[inside]] = False
    return mask


def mask_within_photo(
    shape: tuple[int, int], matrix: NDArray[np.float64], size: int
) -> Mask:
    """Mask of the pixels of an aligned face that lie within its photo.

    Args:
        shape: Height and width of the photo.
        matrix: Affine map from photo to face, float64 (2, 3).
        size: Side of the face in pixels.

    Returns:
        bool of shape (size, size), True = within.
    """
    return mask_from_photo(np.zeros(shape, np.bool_), matrix, size)


def mask_from_square(hole: NDArray[np.uint8] | Mask, size: int) -> Mask:
    """Mask of a crop by ``geometry.square_crop``, from a hole in its photo.

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


def any_of_blocks(hidden: Mask, factor: int) -> Mask:
    """Find the blocks of ``geometry.shrink`` in which any pixel is hidden.

    Args:
        hidden: bool (height, width), True = hidden.
        factor: Side of a block in pixels.

    Returns:
        bool (ceil(height / factor), ceil(width / factor)).
    """
    height, width = hidden.shape
    padding = (0, -height % factor), (0, -width % factor)
    rows = np.pad(hidden, padding).reshape(-1, factor, width + padding[1][1])
    blocks = rows.any(axis=1).reshape(len(rows), -1, factor)
    return np.asarray(blocks.any(axis=2))


def _sampled_positions(
    matrix: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates x and y in the photo of each pixel of the face, (size, size) each."""
    inverse = np.linalg.inv(np.vstack([matrix, (0.0, 0.0, 1.0)]))[:2]
    row, column = np.mgrid[:size, :size]
    x, y = np.tensordot(inverse, np.stack([column, row, np.ones_like(row)]), axes=1)
    return x, y


def _read_indices(position: NDArray[np.float64]) -> list[NDArray[np.int64]]:
    """Indices that bilinear sampling at a position may read along one axis."""
    first = np.floor(position - _POSITION_ERROR).astype(np.int64)
    last = np.floor(position + _POSITION_ERROR).astype(np.int64) + 1
    # Three at most: the error is below half a pixel.
    return [first, np.minimum(first + 1, last), last]


def hide(face: NDArray[np.uint8], mask: Mask) -> NDArray[np.uint8]:
    """Face with its hole painted grey.

    Args:
        face: uint8 RGB of shape (height, width, 3).
        mask: Known pixels, bool (height, width), True = known.

    Returns:
        A new picture, uint8; known pixels unchanged.
    """
    return np.where(mask[..., None], face, np.uint8(HOLE_GREY))


def bounding_window(mask: Mask, margin: int = 0) -> tuple[slice, slice]:
    """Smallest window of a picture that holds all True pixels of a mask.

    Args:
        mask: bool (height, width), some of it True.
        margin: Pixels that it is larger on each side, as far as the picture reaches.

    Returns:
        Rows and columns.
    """
    spans = []
    for axis, side in ((1, mask.shape[0]), (0, mask.shape[1])):
        inside = np.flatnonzero(mask.any(axis=axis))
        begin, end = int(inside[0]) - margin, int(inside[-1]) + 1 + margin
        spans.append(slice(max(begin, 0), min(end, side)))
    return spans[0], spans[1]


def mean_around(
    values: NDArray[np.float32], known: Mask, sigma: float
) -> NDArray[np.float32]:
    """Mean of the known values around each pixel, weighted by a Gaussian.

    Args:
        values: float32 (height, width) or (height, width, channels); not read where
            they are unknown.
        known: bool (height, width), True = known.
        sigma: Standard deviation of the Gaussian in pixels.

    Returns:
        float32 of the shape of ``values``; zero far from everything known.
    """
    is_known = known.reshape(known.shape + (1,) * (values.ndim - 2))
    shown = np.where(is_known, values, np.float32(0))
    sums = np.asarray(cv2.GaussianBlur(shown, (0, 0), sigma))
    counts = np.asarray(cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma))
    weights = np.maximum(counts, 1e-3).reshape(is_known.shape)
    return np.asarray(sums / weights, np.float32)


def widest_circle(mask: Mask) -> float:
    """Radius, in pixels, of the largest circle that fits into a mask, bool (h, w)."""
    framed = np.pad(mask.astype(np.uint8), 1)
    return float(cv2.distanceTransform(framed, cv2.DIST_L2, 5).max())


def draw_pattern(
    rng: np.random.Generator, size: int, fraction: float
) -> NDArray[np.bool_]:
    """Mask that hides random ellipses until a share of the pixels is hidden.

    Args:
        rng: Source of centres, axes and angles.
        size: Side of the face in pixels.
        fraction: Share of hidden pixels to reach. The last ellipse may exceed it by
            a twentieth of the face.

    Returns:
        bool (size, size), True = known.
    """
    hidden = np.zeros((size, size), np.uint8)
    while True:
        before = hidden.copy()
        center = rng.integers(size, size=2).tolist()
        axes = np.ceil(rng.uniform(size / 32, size / 8, 2)).astype(int).tolist()
        angle = rng.uniform(0.0, 180.0)
        cv2.ellipse(hidden, center, axes, angle, 0.0, 360.0, 1, cv2.FILLED)
        if hidden.all():
            return np.asarray(before == 0)
        if hidden.mean() >= fraction:
            return np.asarray(hidden == 0)


def draw_strokes(rng: np.random.Generator, size: int, count: int) -> NDArray[np.bool_]:
    """Mask that hides strokes of a round pen that turns back and forth.

    Args:
        rng: Source of positions, directions and widths.
        size: Side of the face in pixels.
        count: Number of strokes, at least 1. One that would hide the last known pixel
            is left out.

    Returns:
        bool (size, size), True = known.
    """
    hidden = np.zeros((size, size), np.uint8)
    for _ in range(count):
        before = hidden.copy()
        position = rng.uniform(0.0, size - 1.0, 2)
        width = max(1, round(rng.uniform(size / 32, size / 8)))
        direction = rng.uniform(0.0, 2.0 * math.pi)
        for vertex in range(_STROKE_VERTICES):
            # Every second turn goes back, so that a stroke stays in one region.
            turned = direction + rng.uniform(-0.9, 0.9) + math.pi * (vertex % 2)
            step = rng.uniform(size / 8, size / 3)
            offset = step * np.array([math.cos(turned), math.sin(turned)])
            following = np.clip(position + offset, 0.0, size - 1.0)
            ends = [np.rint(end).astype(int).tolist() for end in (position, following)]
            cv2.line(hidden, ends[0], ends[1], 1, width)
            cv2.circle(hidden, ends[1], width // 2, 1, cv2.FILLED)
            position = following
        if hidden.all():
            hidden = before
    return np.asarray(hidden == 0)
