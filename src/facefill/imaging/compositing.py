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

from facefill.imaging.colour import chroma, coloured, luminance
from facefill.imaging.laplace import membrane, solve_laplace
from facefill.imaging.masks import Mask

Pixels: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]


def complete_face(face: Pixels, generated: Pixels, mask: Mask) -> Pixels:
    """Fill the hole with generated pixels and keep the known ones, byte for byte.

    Args:
        face: uint8 (S, S, 3).
        generated: uint8 (S, S, 3).
        mask: bool (S, S), True = known.
    """
    return np.asarray(np.where(mask[..., None], face, generated))


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
    correction = solve_laplace(known, mask)[~mask]
    blended = face.copy()
    blended[~mask] = _to_pixels(generated[~mask] + correction)
    return blended


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
    # A hole drawn on the photo may go on beyond the face, and is as unknown there.
    known = ~inside if photo_hole is None else ~photo_hole[window]
    difference = np.where(known[..., None], photo[window] - patch, np.float32(0))
    completed = _to_pixels(patch + membrane(difference, known))
    pasted[window][inside] = completed[inside]
    return pasted


def paste_colour(photo: Pixels, face: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    """Colour a face in its photo, in the photo's own size.

    Every pixel keeps its luminance, and with it its sharpness. Colour fades away
    over the outer eighth of the face, where beyond it nothing is known of it.

    Args:
        photo: uint8 RGB (height, width, 3); only its luminance is read.
        face: The coloured face, uint8 RGB (size, size, 3).
        matrix: float64 (2, 3), from the photo to the face.

    Returns:
        uint8 RGB (height, width, 3); pixels beyond the face are the photo's.
    """
    size = len(face)
    hole = warped_hole(np.zeros((size, size), np.bool_), matrix, photo.shape[:2])
    pasted = photo.copy()
    if not hole.any():
        return pasted
    window = _window(hole)
    place = np.arange(size, dtype=np.float32) + 0.5
    fade = np.clip(np.minimum(place, size - place) / (size / 8), 0.0, 1.0)
    colour = chroma(face) * np.minimum(fade[:, None], fade)[..., None]
    painted = coloured(luminance(photo[window]), _enlarge(colour, matrix, window))
    inside = hole[window]
    pasted[window][inside] = painted[inside]
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
    height, width = hole.shape
    return (
        slice(max(rows[0] - 1, 0), min(rows[-1] + 2, height)),
        slice(max(columns[0] - 1, 0), min(columns[-1] + 2, width)),
    )


def _enlarge(
    blended: Pixels | Floats, matrix: NDArray[np.float64], window: tuple[slice, slice]
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


def _to_pixels(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)
