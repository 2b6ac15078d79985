"""What one half of a head shows of the other.

Where a hole hides one half of the head around a face, that is the other half, mirrored
(``mirrored_heads``), and between both its top goes around it (``head_rings``). What
came with it from behind that half is taken out again where it is not what is behind
this one (``mirrored_backgrounds``).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from facefill.completion.faces import FaceInPhoto
from facefill.completion.head_outlines import (
    HEAD,
    HIGH,
    UPRIGHT,
    Floats,
    Mirror,
    find_mirror,
    places,
)
from facefill.completion.head_pictures import FIELD
from facefill.completion.head_rings import fill_between_halves
from facefill.completion.levels import levelled
from facefill.completion.mirrored_backgrounds import misplaced_background
from facefill.completion.mirrored_heads import mirrored_head
from facefill.imaging.geometry import of_window
from facefill.imaging.grain import with_grain
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels

_EARS = 0.1
"""How far down what little is hidden beside a face is mirrored, in sides of the crop
from its middle: beside a jaw is what is behind the other half."""

_LEAST_MIRRORED = 0.65
"""Share of what is hidden of a turned head that its other half shows, if mirrored:
three quarters and more where half of a photo is gone, less above a torn corner."""

_LEAST_AHEAD = 0.3
"""The same of a head that looks ahead (31 torn corners of people to choose by)."""

_TURNED = 1.5
"""``Mirror.turn`` of heads that do not look ahead: five that were mirrored so had the
wall of one side, or a bent profile, on the other."""

_NEAR = HEAD._replace(radii=(0.95, 1.2))
"""What is mirrored beside a head above a torn corner: further out are other heads."""

_BLEND = 0.15
"""How far on either side of a head's middle what is behind both its sides is blended,
in sides of the crop."""

_SEEN_FIELD = 3.0
"""Sides of a face's crop in which what is behind its head is looked at."""

_TOP_FIELD = 2.5
"""Sides of a face's crop that hold the ellipse of the highest outline, upright."""


class Halves(NamedTuple):
    """A photo whose heads are mirrored, and what is between their halves filled.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        left: Pixels that are not filled yet, bool (height, width).
        tops: Filled pixels that are tops of heads, bool (height, width).
        outlines: Where heads and bodies may be, bool (height, width).
        right: Share of the right side of the head at each pixel, float32 (height,
            width); 1 all over where there are several heads, which may have the same
            wall between them.
    """

    photo: Pixels
    left: Mask
    tops: Mask
    outlines: Mask
    right: Floats


def with_halves(
    photo: Pixels,
    wanted: Mask,
    left: Mask,
    faces: Sequence[FaceInPhoto],
    parts: Sequence[Mask],
) -> Halves:
    """Mirror heads, and fill what is between their halves.

    Args:
        photo: The photo, with the faces completed.
        wanted: Pixels to fill.
        left: Those that are not filled yet.
        faces: The faces.
        parts: Parts of the hole that reach far beyond each face.
    """
    mirrors = [_mirror(photo, ~wanted, face) for face in faces]
    shape = wanted.shape[0], wanted.shape[1]
    outlines, tops = np.zeros_like(wanted), np.zeros_like(wanted)
    for face, part, mirror in zip(faces, parts, mirrors, strict=True):
        before, mirrored = left, np.zeros_like(left)
        if (todo := left & part).any():
            photo, mirrored = _with_mirrored(photo, face, mirror, todo, ~left)
            left = left & ~mirrored
        outline = (HIGH if mirrored.any() else HEAD).mask(
            places(shape, face.to_square), mirror or UPRIGHT
        )
        if mirrored.any():
            photo, top = _with_top(photo, face, mirror, left & part, ~left)
            left, tops = left & ~top, tops | top
            if len(faces) == 1:
                misplaced = _misplaced(photo, face, mirror, ~before, (mirrored, top))
                left, outline = left | misplaced, outline & ~misplaced
        outlines |= outline
    return Halves(photo, left, tops, outlines, _right(faces, mirrors, shape))


def with_sides(
    photo: Pixels,
    wanted: Mask,
    faces: Sequence[FaceInPhoto],
    beside: Sequence[Mask],
) -> tuple[Pixels, Mask]:
    """Mirror what little is hidden of heads beside their faces, down to the ears.

    Args:
        photo: The photo, with the faces completed.
        wanted: Pixels to fill.
        faces: The faces.
        beside: Parts of the hole that reach a little beyond each face.

    Returns:
        The photo, and what is left to fill.
    """
    left = wanted
    for face, part in zip(faces, beside, strict=True):
        if not (left & part).any():
            continue
        where = places((wanted.shape[0], wanted.shape[1]), face.to_square)
        above = left & part & (where.down < _EARS)
        found = _mirror(photo, ~wanted, face) if above.any() else None
        if found is not None and found.turn < _TURNED:
            above &= HEAD.mask(where, found)
            photo, mirrored = _with_mirrored(photo, face, found, above, ~left)
            left = left & ~mirrored
    return photo, left


def _with_mirrored(
    photo: Pixels, face: FaceInPhoto, found: Mirror | None, wanted: Mask, known: Mask
) -> tuple[Pixels, Mask]:
    """Mirror a head if one half of it is hidden, and say what of it was mirrored.

    Args:
        photo: The photo, with the face completed.
        face: The face.
        found: Mirror of its head, if its face is seen.
        wanted: Pixels to fill.
        known: Pixels that are known or filled.
    """
    window, done = _window(face, known), np.zeros_like(wanted)
    part, seen = photo[window], known[window]
    mirror, square = found or UPRIGHT, of_window(face.to_square, window)
    mirrored = mirrored_head(part, seen, square, mirror)
    hidden = wanted[window] & mirrored.head
    shown = hidden & mirrored.shown
    share = shown.sum() / max(hidden.sum(), 1)
    looks_ahead = found is not None and found.turn < _TURNED
    if not shown.any() or share < (_LEAST_AHEAD if looks_ahead else _LEAST_MIRRORED):
        return photo, done
    if share < _LEAST_MIRRORED:
        where = places((seen.shape[0], seen.shape[1]), square)
        shown = shown & _NEAR.mask(where, mirror)
    compared = seen & mirrored.shown
    filled = levelled(part, mirrored.picture, shown, compared, face.enlargement)
    photo = photo.copy()
    photo[window], done[window] = filled, shown
    return photo, done


def _with_top(
    photo: Pixels, face: FaceInPhoto, mirror: Mirror | None, wanted: Mask, known: Mask
) -> tuple[Pixels, Mask]:
    """Fill the top of a head between its halves, and say what of it was filled."""
    done = np.zeros_like(wanted)
    crop = face.crop((known.shape[0], known.shape[1]), _TOP_FIELD)
    if not (wanted & crop).any():
        return photo, done
    window = bounding_window(crop)
    square = of_window(face.to_square, window)
    filled, done[window] = fill_between_halves(
        photo[window], wanted[window], known[window], square, mirror or UPRIGHT, HIGH
    )
    photo = photo.copy()
    photo[window] = with_grain(filled, done[window], known[window])
    return photo, done


def _misplaced(
    photo: Pixels,
    face: FaceInPhoto,
    mirror: Mirror | None,
    known: Mask,
    filled: tuple[Mask, Mask],
) -> Mask:
    """Which of a head's mirrored pixels are of a background that is not there."""
    crop = face.crop((known.shape[0], known.shape[1]), _SEEN_FIELD)
    window, found = bounding_window(crop), np.zeros_like(known)
    square = of_window(face.to_square, window)
    mirrored, top = (each[window] for each in filled)
    found[window] = misplaced_background(
        photo[window], known[window], mirrored, top, square, mirror or UPRIGHT
    )
    return found


def _right(
    faces: Sequence[FaceInPhoto],
    mirrors: Sequence[Mirror | None],
    shape: tuple[int, int],
) -> Floats:
    """Share of the right side of a head; see ``Halves``."""
    if len(faces) > 1:
        return np.ones(shape, np.float32)
    middle = np.float32((mirrors[0] or UPRIGHT).middle)
    beside = (places(shape, faces[0].to_square).across - middle) / np.float32(_BLEND)
    return np.asarray(np.clip((1.0 + beside) / 2.0, 0.0, 1.0), np.float32)


def _mirror(photo: Pixels, known: Mask, face: FaceInPhoto) -> Mirror | None:
    """Find where a head has its middle, if its face is seen."""
    window = _window(face, known)
    square = of_window(face.to_square, window)
    return find_mirror(photo[window], known[window], square)


def _window(face: FaceInPhoto, mask: Mask) -> tuple[slice, slice]:
    """Where a photo may show a head, and its mirror image."""
    return bounding_window(face.crop((mask.shape[0], mask.shape[1]), 2.0 * FIELD))
