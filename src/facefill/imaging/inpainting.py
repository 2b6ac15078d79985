"""Inpainting of a photo around a hole, where no face model reaches.

Thin holes (scratches, creases, spots) are continued by the biharmonic equation
(Damelin and Hoang 2018, in scikit-image), which meets the level and the slope of what
is around them. Wide ones, and what of thin ones lies among edges and texture, are
filled with patches of the rest of the photo by PatchMatch (Barnes et al. 2009, in the
package PyPatchMatch): methods that diffuse leave smears there. Both are deterministic.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.biharmonic import continued
from facefill.imaging.masks import Mask, bounding_window, mean_around
from facefill.imaging.photos import Pixels

THIN = 3.0
"""A hole is thin if its pixels are, on average, at most so many from a known one: a
scratch 12 pixels wide, a spot of 18. The equation errs 2 to 5 dB less than patches
there (LFW), and as much in wider ones, but is seen to be blurred in sharp photos."""

SMOOTH, STRUCTURED = 5.0, 10.0
"""Contrast around a pixel of a thin hole, in grey levels beside their local mean: up to
the first the equation alone continues the photo, from the second on patches alone.
Across the edge of a collar, or in hair, the equation leaves a blot."""

THIN_BESIDE = 5.5
"""The same of holes that touch what is not to be copied: beside a face, patches are of
hair and background, where the equation goes on with its skin."""

MAX_SOLVED_PIXELS = 100_000
"""Thin holes of more pixels are continued by OpenCV's Navier-Stokes method (Bertalmio
et al. 2001); of as many the equation takes two seconds and 0.5 GB."""

MAX_WINDOW_PIXELS = 200_000
"""PatchMatch sees a window of at most so many pixels; a larger one is shrunk for it."""

LEAST_TEXTURE = 8.0
"""Radius, in pixels that PatchMatch sees, of a circle that fits into what is copied: in
less there is no patch, and what is copied nevertheless is black."""

_SEED = 1

# All in pixels.
_DIFFUSION_RADIUS = 3
"""Neighbourhood that OpenCV's methods look at."""
_PATCH_RADIUS = 3
"""Of PatchMatch's patches (its ``patch_size``)."""
_MARGIN = 48
"""Known pixels around a hole from which patches may be copied, at least."""
_TEXTURE_MARGIN = 96
"""The same of scratches, whose bounding box is small beside what they cross."""
_TILE = 256
"""Side of the parts of a photo in which scratches are looked at, for memory's sake."""
_DETAIL_SIGMA = 2.5
"""Of the blur that detail is lost in, by which edges and texture are told."""
_STRUCTURE_SIGMA = 5.0
"""Of the blur by which detail is looked at around a pixel."""
_AROUND = 12
"""Known pixels around scratches that are looked at."""


def inpaint(photo: Pixels, hole: Mask, avoided: Mask | None = None) -> Pixels:
    """Fill a hole so that it continues what is around it.

    Args:
        photo: uint8 RGB (height, width, 3); what is under the hole is not read.
        hole: bool (height, width), True = to be filled.
        avoided: bool (height, width), True = known, but not to be copied from, such
            as a face, which must not appear twice; None avoids nothing.

    Returns:
        uint8 RGB (height, width, 3); pixels outside the hole are the photo's. A photo
        that is one hole becomes mid-grey.
    """
    if hole.all():
        return np.full_like(photo, 128)
    if not hole.any():
        return photo.copy()
    filled = np.where(hole[..., None], np.uint8(0), photo)
    avoided = np.zeros_like(hole) if avoided is None else avoided & ~hole
    labels, depths = _components(hole)
    beside = cv2.dilate(avoided.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    limits = np.full(len(depths), THIN)
    limits[np.unique(labels[beside & hole])] = THIN_BESIDE
    wide = (depths > limits)[labels] & hole
    thin = hole & ~wide
    is_solved = 0 < thin.sum() <= MAX_SOLVED_PIXELS
    if thin.any() and (wide.any() or not is_solved):
        # At first roughly: patches are copied from there, too.
        filled = _continue_lines(filled, thin, wide)
    empty = wide.copy()
    for label in np.flatnonzero(depths > limits):
        part = labels == label
        copy_patches(filled, part, avoided | (empty & ~part))
        empty &= ~part
    if is_solved:
        _continue_thin(filled, thin, avoided)
    return filled


def copy_patches(
    photo: Pixels, hole: Mask, avoided: Mask, margin: int | None = None
) -> None:
    """Fill a hole in place with patches of what is around it.

    Args:
        photo: uint8 RGB (height, width, 3); what is under the hole is not read.
        hole: bool (height, width), True = to be filled.
        avoided: Pixels that are neither copied nor compared, bool (height, width).
        margin: Pixels around the hole to copy from; None for as much as it is itself.
    """
    import patchmatch

    window = (
        surrounded(bounding_window(hole))
        if margin is None
        else bounding_window(hole, margin)
    )
    pixels, hidden = photo[window], hole[window]
    scale = min(1.0, math.sqrt(MAX_WINDOW_PIXELS / hidden.size))
    size = _scaled(hidden.shape[1], scale), _scaled(hidden.shape[0], scale)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    small_hole = _shrunk(hidden, size)
    small_avoided = _shrunk(avoided[window], size) & (1 - small_hole)
    if (small_hole | small_avoided).all():
        # There is nothing to copy: what is next to the hole is spread.
        found = cv2.inpaint(small, small_hole, _DIFFUSION_RADIUS, cv2.INPAINT_TELEA)
    else:
        patchmatch.set_random_seed(_SEED)
        found = patchmatch.inpaint(
            small, small_hole, global_mask=small_avoided, patch_size=_PATCH_RADIUS
        )
    height, width = hidden.shape
    enlarged = cv2.resize(found, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels[hidden] = enlarged[hidden]


def _components(hole: Mask) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Label the connected parts of a hole, with the mean depth of each in pixels."""
    # What is beyond the photo's edge is as unknown as the hole.
    framed = np.pad(hole.astype(np.uint8), 1, constant_values=1)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    count, labels = cv2.connectedComponents(hole.astype(np.uint8), connectivity=8)
    parts = labels[hole]
    sums = np.bincount(parts, depth[hole], minlength=count)
    return np.asarray(labels, np.int32), sums / np.maximum(
        np.bincount(parts, minlength=count), 1
    )


def _continue_lines(photo: Pixels, thin: Mask, wide: Mask) -> Pixels:
    # Of a wide hole beside it nothing must be read either.
    reach = np.ones((4 * _DIFFUSION_RADIUS + 1,) * 2, np.uint8)
    beside = wide & (cv2.dilate(thin.astype(np.uint8), reach) > 0)
    found = cv2.inpaint(
        photo, (thin | beside).astype(np.uint8), _DIFFUSION_RADIUS, cv2.INPAINT_NS
    )
    return np.where(thin[..., None], found, photo).astype(np.uint8)


def _continue_thin(photo: Pixels, thin: Mask, avoided: Mask) -> None:
    """Fill a thin hole in place: smoothly, or with patches among edges and texture."""
    window = bounding_window(thin, _AROUND)
    hidden = thin[window]
    known = photo[window].astype(np.float32)
    shares = np.zeros(thin.shape, np.float32)
    shares[window] = hidden * _patch_shares(known, ~hidden, avoided[window])
    solved = continued(known, ~hidden)
    photo[window][hidden] = np.clip(np.round(solved[hidden]), 0, 255).astype(np.uint8)
    patched = photo.copy()
    for part in _tiles(shares > 0):
        copy_patches(patched, part, avoided | (thin & ~part), _TEXTURE_MARGIN)
    share = shares[thin][:, None]
    mixed = photo[thin] + share * (patched[thin].astype(np.float32) - photo[thin])
    photo[thin] = np.round(mixed).astype(np.uint8)


def _patch_shares(
    photo: NDArray[np.float32], known: Mask, avoided: Mask
) -> NDArray[np.float32]:
    """Share of patches at each pixel, 0 to 1, by the contrast around it.

    Where half of what is known around it must not be copied there are none: what could
    be copied is of something else.
    """
    grey = photo.mean(axis=2)
    detail = grey - mean_around(grey, known, _DETAIL_SIGMA)
    contrast = np.sqrt(mean_around(detail * detail, known, _STRUCTURE_SIGMA))
    shares = np.clip((contrast - SMOOTH) / (STRUCTURED - SMOOTH), 0, 1)
    copied = mean_around((~avoided).astype(np.float32), known, _STRUCTURE_SIGMA)
    return np.asarray(shares * np.clip(2 * copied - 1, 0, 1), np.float32)


def _tiles(hole: Mask) -> Iterator[Mask]:
    """Parts of a hole that PatchMatch sees at the photo's own scale."""
    height, width = hole.shape
    for top in range(0, height, _TILE):
        for left in range(0, width, _TILE):
            tile = slice(top, top + _TILE), slice(left, left + _TILE)
            if hole[tile].any():
                part = np.zeros_like(hole)
                part[tile] = hole[tile]
                yield part


def _scaled(side: int, scale: float) -> int:
    return max(1, round(scale * side))


def surrounded(window: tuple[slice, slice]) -> tuple[slice, slice]:
    """Add to a window what patches are copied from.

    That is as much on each side as it holds itself, or 48 pixels.
    """
    spans = []
    for span in window:
        margin = max(_MARGIN, span.stop - span.start)
        spans.append(slice(max(span.start - margin, 0), span.stop + margin))
    return spans[0], spans[1]


def _shrunk(mask: Mask, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Shrink a mask to (width, height); 1 where any of it was true."""
    shares = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return (np.asarray(shares) > 0.0).astype(np.uint8)
