"""Compositing: putting a generated face together with the known one, and back.

Synopsis::

    completed = complete(degradation, face, fitted, mask)  # what is known stays
    blended = blend(degradation, face, fitted, mask)  # without a seam
    photo = paste(degradation, Placement(photo, matrix), blended, mask)  # full size

How depends on what is known of a face: a hole is filled by Poisson blending, grey
faces keep their luminance, noisy ones are mixed with the generated face, and of
coarse ones nothing is kept.

Blending and pasting a hole keep the gradient of what is put in and take the level
from the known pixels around it (Perez, Gangnet, Blake: Poisson Image Editing, 2003).
Neither reads a pixel under the hole.

Pasting back must not show where the hole was. A face of 64 pixels, enlarged, is
soft, and its colours are those of its own samples; next to the photo's sharp
pixels its border would show as a line. Fading one into the other over a few
pixels is no way out, since inside the hole the photo has nothing to fade from:
what is there is unknown, and a photo handed over with its hole painted pink would
get a pink rim. So the patch is corrected instead. What the photo has and the
enlarged face lacks is measured on the known pixels around the hole, and carried
into it as a membrane: exact at the border, smoother and weaker with every pixel
inwards. Differences of detail die out within a few pixels, as a feather does;
differences of light reach as far as they have to; those of content, where the photo
shows an ear and the patch none, are made to fade. Near the border, and so in all of a
scratch, the slope of the difference goes on as well (``biharmonic.bending``).
"""

import math
from dataclasses import dataclass
from functools import singledispatch
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.biharmonic import bending
from facefill.imaging.colour import chroma, coloured, luminance
from facefill.imaging.degradations import (
    Decolorization,
    Degradation,
    Denoising,
    Inpainting,
)
from facefill.imaging.laplace import border, membrane, solve_laplace
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels

Floats: TypeAlias = NDArray[np.float32]

DEVIATION = 8.0
"""Standard deviation of a pixel of a face around its PCA fit, in grey levels: that of
200 held-out faces and 500 components of others."""

_SLOPE_RESOLUTION = 2.0
"""Pixels for a pixel of the face at which the slope of a difference is looked at."""
_SLOPE_REACH = 4.0
"""How far a slope goes on beyond what is known, in pixels of the face: of 64 people to
choose by, the centre hidden, 4, 5 and 6 tie."""
_LIGHT = 45.0
"""How far a difference may be from the median of all at the hole's border, in grey
levels (length over the three colours), to be one of light: of 153 damaged photos to
choose by, 25 and 45 tie."""
_CONTENT_REACH = 3.0
"""How far what is beyond that is carried, in pixels of the face: it falls to 1 / e. Of
the same photos, 1.5 and 3 tie."""
_MARGIN = 4
"""Known pixels around a hole that are looked at."""


@dataclass(frozen=True)
class Placement:
    """Position of a face in its photo.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        matrix: Affine map from the photo to the face, float64 (2, 3).
        hole: Hole in the photo itself if a mask file gives it, bool (height, width),
            True = hole.
    """

    photo: Pixels
    matrix: NDArray[np.float64]
    hole: Mask | None = None


@singledispatch
def complete(
    degradation: Degradation, face: Pixels, fitted: Pixels, mask: Mask
) -> Pixels:
    """Fitted face with what is known of the true one put in.

    Args:
        degradation: What is known of the face; selects the method.
        face: The degraded face, uint8 (S, S, 3).
        fitted: Generated face, the same shape.
        mask: Known pixels, bool (S, S), True = known.

    Returns:
        uint8 (S, S, 3).
    """
    return fitted.copy()


@complete.register
def _(degradation: Inpainting, face: Pixels, fitted: Pixels, mask: Mask) -> Pixels:
    return complete_face(face, fitted, mask)


@complete.register
def _(degradation: Decolorization, face: Pixels, fitted: Pixels, mask: Mask) -> Pixels:
    return coloured(luminance(face), chroma(fitted))


@complete.register
def _(degradation: Denoising, face: Pixels, fitted: Pixels, mask: Mask) -> Pixels:
    # Wiener's share of the difference, which is the face's own as far as faces
    # deviate from their fit, and noise beyond that.
    share = DEVIATION**2 / (DEVIATION**2 + degradation.noise**2)
    mixed = fitted + share * (face.astype(np.float64) - fitted)
    return np.asarray(np.round(mixed), np.uint8)


@singledispatch
def blend(degradation: Degradation, face: Pixels, fitted: Pixels, mask: Mask) -> Pixels:
    """Like ``complete``, without a seam where known and generated pixels meet."""
    return complete(degradation, face, fitted, mask)


@blend.register
def _(degradation: Inpainting, face: Pixels, fitted: Pixels, mask: Mask) -> Pixels:
    return poisson_blend(face, fitted, mask)


@singledispatch
def paste(
    degradation: Degradation, placement: Placement, blended: Pixels, mask: Mask
) -> Pixels:
    """Photo with a finished face put back, in the photo's own size.

    Args:
        degradation: What was known of the face; selects the method.
        placement: The photo, and where the face is in it.
        blended: The finished face, uint8 RGB (S, S, 3), or one that is refined.
        mask: Known pixels of the face, bool (S, S), True = known.

    Returns:
        uint8 RGB (height, width, 3).
    """
    return paste_back(placement.photo, blended, mask, placement.matrix, placement.hole)


@paste.register
def _(
    degradation: Decolorization, placement: Placement, blended: Pixels, mask: Mask
) -> Pixels:
    return paste_colour(placement.photo, blended, placement.matrix)


def complete_face(face: Pixels, generated: Pixels, mask: Mask) -> Pixels:
    """Known pixels of a face, byte for byte, and generated ones in its hole.

    Args:
        face: uint8 (S, S, 3).
        generated: uint8 (S, S, 3).
        mask: bool (S, S), True = known.
    """
    return np.asarray(np.where(mask[..., None], face, generated))


def poisson_blend(face: Pixels, generated: Pixels, mask: Mask) -> Pixels:
    """Face with its hole filled by Poisson blending.

    Minimises the sum over neighbours ``|(x_p - x_q) - (g_p - g_q)|^2`` with x
    equal to the face on known pixels, which is a discrete Poisson equation: one
    sparse system for the three channels. At the edge of the picture the boundary is
    free (Neumann).

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


def poisson_blend_group(faces: Pixels, generated: Pixels, mask: Mask) -> Pixels:
    """Blend many faces that share a hole; see ``poisson_blend``.

    Args:
        faces: uint8 RGB (N, size, size, 3); what is under the hole is not read.
        generated: The same of G(z).
        mask: Known pixels of each, bool (size, size), some True and some False.

    Returns:
        uint8 RGB (N, size, size, 3).
    """
    shape = (*mask.shape, 3 * len(faces))
    apart = np.where(mask[..., None], faces.astype(np.float64) - generated, 0.0)
    known = apart.transpose(1, 2, 0, 3).reshape(shape)
    solved = solve_laplace(known, mask).reshape(*mask.shape, len(faces), 3)
    filled = _to_pixels(generated + solved.transpose(2, 0, 1, 3))
    return np.where(mask[..., None], faces, filled)


def paste_back(
    photo: Pixels,
    blended: Pixels,
    mask: Mask,
    matrix: NDArray[np.float64],
    photo_hole: Mask | None = None,
) -> Pixels:
    """Photo with the hole filled from a completed face, in the photo's own size.

    Args:
        photo: uint8 RGB (height, width, 3); what is under the hole is not read.
        blended: The completed face, uint8 RGB (size, size, 3), or a refined one that
            is some times as fine, its pixel 0 in the same place.
        mask: Known pixels of the face, bool (size, size), True = known.
        matrix: Affine map from the photo to the face, float64 (2, 3).
        photo_hole: Hole in the photo's own size, bool (height, width), True = hole.
            If given, it is filled as far as the face reaches, instead of the coarser
            hole of the face.

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
    window = bounding_window(hole, _MARGIN)
    inside = hole[window]
    patch = _enlarge(blended, matrix * (len(blended) // len(mask)), window)
    # A hole drawn on the photo may go on beyond the face, and is as unknown there.
    known = ~inside if photo_hole is None else ~photo_hole[window]
    difference = np.where(known[..., None], photo[window] - patch, np.float32(0))
    scale = abs(float(np.linalg.det(matrix[:, :2]))) ** -0.5
    level = _carried(difference, known, scale)
    shrinkage = max(1.0, scale / _SLOPE_RESOLUTION)
    slope = bending(difference, known, level, _SLOPE_REACH * scale, shrinkage)
    completed = _to_pixels(patch + level + slope)
    pasted[window][inside] = completed[inside]
    return pasted


def _carried(difference: Floats, known: Mask, scale: float) -> Floats:
    """Carry what a photo has and a patch lacks into the hole, by membranes.

    What is far from the median of the hole's border is no matter of light: something
    else is there, such as an ear. It is carried less far.

    Args:
        difference: float32 (height, width, 3); not read where it is not known.
        known: bool (height, width).
        scale: Pixels of the photo for one of the face.
    """
    beside = border(known)
    if not beside.any():
        return np.zeros_like(difference)
    apart = difference - np.median(difference[beside], axis=0)
    length = np.linalg.norm(apart, axis=-1, keepdims=True)
    content = apart * (1.0 - _LIGHT / np.maximum(length, _LIGHT))
    both = np.concatenate([difference - content, content], axis=-1)
    light, content = np.split(membrane(both, known), 2, axis=-1)
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.exp(-away / np.float32(_CONTENT_REACH * scale))[..., None]
    return np.asarray(light + fade * content, np.float32)


def paste_colour(photo: Pixels, face: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    """Photo with the colour of a face, in the photo's own size.

    Every pixel keeps its luminance, and with it its sharpness. Colour fades away
    over the outer eighth of the face, beyond which it is unknown.

    Args:
        photo: uint8 RGB (height, width, 3); only its luminance is read.
        face: The coloured face, uint8 RGB (size, size, 3).
        matrix: Affine map from the photo to the face, float64 (2, 3).

    Returns:
        uint8 RGB (height, width, 3); pixels beyond the face are the photo's.
    """
    size = len(face)
    hole = warped_hole(np.zeros((size, size), np.bool_), matrix, photo.shape[:2])
    pasted = photo.copy()
    if not hole.any():
        return pasted
    window = bounding_window(hole, _MARGIN)
    position = np.arange(size, dtype=np.float32) + 0.5
    fade = np.clip(np.minimum(position, size - position) / (size / 8), 0.0, 1.0)
    colour = chroma(face) * np.minimum(fade[:, None], fade)[..., None]
    painted = coloured(luminance(photo[window]), _enlarge(colour, matrix, window))
    inside = hole[window]
    pasted[window][inside] = painted[inside]
    return pasted


def warped_hole(
    mask: Mask, matrix: NDArray[np.float64], shape: tuple[int, int]
) -> Mask:
    """Pixels of a photo that lie in the hole of its face.

    A pixel of the photo belongs to the pixel of the face that its centre falls
    into; pixels beyond the face's edge belong to none.

    Args:
        mask: Known pixels of the face, bool (size, size), True = known.
        matrix: Affine map from the photo to the face, float64 (2, 3).
        shape: Height and width of the photo.

    Returns:
        bool of that shape, True = in the hole.
    """
    size = len(mask)
    hole = np.zeros(shape, np.bool_)
    top, bottom, left, right = _reach(matrix, size, shape)
    y, x = np.ogrid[top:bottom, left:right]
    column = np.floor(matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] + 0.5)
    row = np.floor(matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] + 0.5)
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    hidden = ~mask[row[inside].astype(np.intp), column[inside].astype(np.intp)]
    hole[top:bottom, left:right][inside] = hidden
    return hole


def _reach(
    matrix: NDArray[np.float64], size: int, shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Bounds of the face in its photo: top, bottom, left, right, ends excluded."""
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


def _enlarge(
    blended: Pixels | Floats, matrix: NDArray[np.float64], window: tuple[slice, slice]
) -> Floats:
    """Face resampled to a part of its photo, by cubic interpolation."""
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
