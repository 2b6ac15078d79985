"""Generated pixels made to fit a photo: Poisson blending, and the way back.

Synopsis::

    blended = poisson_blend(face, generated, mask)  # both of the face's size
    photo = paste_back(photo, blended, mask, matrix, photo_hole)  # full size

Both keep the gradient of what is put in and take the level from what is known
around it (Perez, Gangnet, Blake: Poisson Image Editing, 2003), and neither reads
a pixel under the hole.

Pasting back must not show where the hole was. A face of 64 pixels, enlarged, is
soft, and its colours are those of its own samples; next to the photo's sharp
pixels its border would show as a line. Fading one into the other over a few
pixels is no way out, since inside the hole the photo has nothing to fade from:
what is there is unknown, and a photo handed over with its hole painted pink would
get a pink rim. So the patch is corrected instead. What the photo has and the
enlarged face lacks is measured on the known pixels around the hole, and carried
into it as a membrane: exact at the border, smoother and weaker with every pixel
inwards. Differences of detail die out within a few pixels, as a feather does;
differences of light reach as far as they have to.
"""

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from facefill.masks import Mask

Pixels: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

# Rounds of relaxation at each size. A round carries a value one pixel far; what
# has further to go was settled at half the size before.
_RELAXATIONS = 12
_COARSEST_PX = 4


def poisson_blend(face: Pixels, generated: Pixels, mask: Mask) -> Pixels:
    """Fill the hole with generated detail at the level of the known pixels.

    Minimises the sum over neighbours ``|(x_p - x_q) - (g_p - g_q)|^2`` with x
    equal to the face on known pixels, which is a discrete Poisson equation: one
    sparse system for the three channels. At the edge of the picture nothing is
    asked for (Neumann).

    Args:
        face: uint8 RGB (size, size, 3); what is under the hole is not read.
        generated: G(z), the same shape.
        mask: Known pixels, bool (size, size), True = known.

    Returns:
        uint8 RGB. Known pixels are those of the face; if there are none, all are
        those of ``generated``.
    """
    if not mask.any():
        return generated.copy()
    if mask.all():
        return face.copy()
    # With x = g + e, the equation for e has no right side but at the border.
    known = np.where(mask[..., None], face.astype(np.float64) - generated, 0.0)
    matrix, border = _laplace_system(mask)
    correction = splu(
        matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}
    ).solve(border @ known.reshape(-1, 3))
    blended = face.copy()
    blended[~mask] = _to_pixels(generated[~mask] + correction)
    return blended


def _laplace_system(mask: Mask) -> tuple[csc_array, csc_array]:
    """Build the graph Laplacian of the hole, and what ties it to known pixels.

    Returns:
        ``matrix`` (H, H) for the H pixels of the hole, and ``border`` (H, all
        pixels), with ``matrix @ unknown = border @ known``.
    """
    pixel = np.arange(mask.size).reshape(mask.shape)
    pairs = np.concatenate(
        [
            np.stack([pixel[:, :-1].ravel(), pixel[:, 1:].ravel()], axis=1),
            np.stack([pixel[:-1].ravel(), pixel[1:].ravel()], axis=1),
        ]
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    is_known = mask.ravel()
    pairs = pairs[~is_known[pairs[:, 0]]]
    unknown = np.cumsum(~is_known) - 1
    num_unknown = int((~is_known).sum())
    row, neighbour = unknown[pairs[:, 0]], pairs[:, 1]
    inner = ~is_known[neighbour]
    degree = np.bincount(row, minlength=num_unknown)
    diagonal = np.arange(num_unknown)
    matrix = csc_array(
        (
            np.concatenate([degree, np.full(inner.sum(), -1)]).astype(np.float64),
            (
                np.concatenate([diagonal, row[inner]]),
                np.concatenate([diagonal, unknown[neighbour[inner]]]),
            ),
        ),
        shape=(num_unknown, num_unknown),
    )
    border = csc_array(
        (np.ones((~inner).sum()), (row[~inner], neighbour[~inner])),
        shape=(num_unknown, mask.size),
    )
    return matrix, border


def paste_back(
    photo: Pixels,
    blended: Pixels,
    mask: Mask,
    matrix: NDArray[np.float64],
    photo_hole: Mask | None = None,
) -> Pixels:
    """Put a completed face back into its photo, in the photo's own size.

    Args:
        photo: uint8 RGB (height, width, 3); what is under the hole is not read.
        blended: The completed face, uint8 RGB (size, size, 3).
        mask: Known pixels of the face, bool (size, size), True = known.
        matrix: float64 (2, 3), from the photo to the face.
        photo_hole: The hole in the photo's own size, bool (height, width), True =
            hole, if it was given so: then it, as far as the face reaches, is what
            is filled, and not the coarser hole of the face.

    Returns:
        uint8 RGB (height, width, 3); every pixel outside the hole is the photo's.
    """
    shape = photo.shape[:2]
    if photo_hole is None:
        hole = warped_hole(mask, matrix, shape)
    else:
        hole = photo_hole & warped_hole(np.zeros_like(mask), matrix, shape)
    pasted = photo.copy()
    if not hole.any():
        return pasted
    window = _window(hole)
    inside = hole[window]
    patch = _enlarge(blended, matrix, window)
    # Only the pixels next to the hole: further out the face may have ended, and
    # at coarse sizes their differences would be mixed in.
    border = ~inside & (cv2.dilate(inside.astype(np.uint8), np.ones((3, 3))) > 0)
    difference = np.where(border[..., None], photo[window] - patch, np.float32(0))
    completed = _to_pixels(patch + membrane(difference, border))
    pasted[window][inside] = completed[inside]
    return pasted


def warped_hole(
    mask: Mask, matrix: NDArray[np.float64], shape: tuple[int, int]
) -> Mask:
    """Say which pixels of a photo lie in the hole of its face.

    A pixel of the photo belongs to the pixel of the face that its centre falls
    into; pixels beyond the face's edge belong to none.

    Args:
        mask: Known pixels of the face, bool (size, size), True = known.
        matrix: float64 (2, 3), from the photo to the face.
        shape: Height and width of the photo.

    Returns:
        bool of that shape, True = in the hole.
    """
    size = len(mask)
    hole = np.zeros(shape, np.bool_)
    top, bottom, left, right = _reach(matrix, size, shape)
    y, x = np.mgrid[top:bottom, left:right]
    column = np.floor(matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] + 0.5)
    row = np.floor(matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] + 0.5)
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    found = ~mask[row[inside].astype(np.intp), column[inside].astype(np.intp)]
    hole[top:bottom, left:right][inside] = found
    return hole


def _reach(
    matrix: NDArray[np.float64], size: int, shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Bound the face in its photo: top, bottom, left and right, ends excluded."""
    inverse = np.linalg.inv(np.vstack([matrix, (0.0, 0.0, 1.0)]))[:2]
    low, high = -0.5, size - 0.5
    corners = [(low, low, 1), (low, high, 1), (high, low, 1), (high, high, 1)]
    x, y = inverse @ np.array(corners).T
    height, width = shape
    return (
        min(max(math.floor(y.min()), 0), height),
        max(min(math.ceil(y.max()) + 1, height), 0),
        min(max(math.floor(x.min()), 0), width),
        max(min(math.ceil(x.max()) + 1, width), 0),
    )


def _window(hole: Mask) -> tuple[slice, slice]:
    """Bound a hole, with the known pixels next to it."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    return (
        slice(max(rows[0] - 1, 0), rows[-1] + 2),
        slice(max(columns[0] - 1, 0), columns[-1] + 2),
    )


def _enlarge(
    blended: Pixels, matrix: NDArray[np.float64], window: tuple[slice, slice]
) -> Floats:
    """Resample a face to a part of its photo, by cubic interpolation."""
    rows, columns = window
    to_window = matrix.copy()
    to_window[:, 2] += matrix[:, :2] @ (columns.start, rows.start)
    # Faces smaller than the crop shrink on the way back; without a filter their
    # detail would turn into a pattern.
    shrinkage = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    face = blended.astype(np.float32)
    if shrinkage > 1.0:
        sigma = 0.5 * math.sqrt(shrinkage**2 - 1.0)
        face = cv2.GaussianBlur(face, (0, 0), sigma).astype(np.float32)
    patch = cv2.warpAffine(
        face,
        to_window,
        (columns.stop - columns.start, rows.stop - rows.start),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(patch, np.float32)


def membrane(values: Floats, known: Mask) -> Floats:
    """Continue values into a hole as smoothly as they can be.

    Solves Laplace's equation in the hole, with the known values at its border
    and free edges (Neumann), from coarse to fine: each size starts from the
    solution at half of it and is relaxed a few times. The error is far below a
    grey level of a photo, and the time proportional to the number of pixels,
    where a direct solve of a hole of 1000x1000 pixels takes minutes.

    Args:
        values: float32 (height, width, channels).
        known: bool (height, width); values elsewhere are not read.

    Returns:
        float32 of the same shape, equal to ``values`` where they are known; zero
        if they are known nowhere.
    """
    height, width = known.shape
    start = np.zeros_like(values)
    if min(height, width) > _COARSEST_PX and not known.all():
        coarse = membrane(*_halve(values, known))
        enlarged = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        start = np.asarray(enlarged, np.float32).reshape(values.shape)
    elif known.any():
        start[:] = values[known].mean(axis=0)
    return _relax(np.where(known[..., None], values, start), known)


def _halve(values: Floats, known: Mask) -> tuple[Floats, Mask]:
    """Average the known values of each 2x2 block; a block without is unknown."""
    height, width, channels = values.shape
    padding = (0, height % 2), (0, width % 2)
    weight = np.pad(known, padding).astype(np.float32)[..., None]
    weighted = np.pad(np.where(known[..., None], values, 0), (*padding, (0, 0)))
    blocks = (len(weight) // 2, 2, weight.shape[1] // 2, 2)
    count = weight.reshape(*blocks, 1).sum(axis=(1, 3))
    total = weighted.reshape(*blocks, channels).sum(axis=(1, 3))
    mean = total / np.maximum(count, 1)
    return mean.astype(np.float32), np.asarray(count[..., 0] > 0)


def _relax(values: Floats, known: Mask) -> Floats:
    """Replace each unknown value by the mean of its neighbours, many times."""
    neighbours = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    weight = np.where(known, 0.0, 1.0).astype(np.float32)[..., None]
    fixed = values * (1 - weight)
    for _ in range(_RELAXATIONS):
        mean = cv2.filter2D(values, -1, neighbours, borderType=cv2.BORDER_REPLICATE)
        values = fixed + weight * np.asarray(mean, np.float32).reshape(values.shape)
    return values


def _to_pixels(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)
