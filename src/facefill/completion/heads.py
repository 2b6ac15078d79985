"""Heads beyond the crops of their faces.

A face is completed from the brows to the chin. Where a hole hides one half of the head
around it, that is the other half, mirrored (``mirrored_heads``), and between both its
top goes around it (``head_rings``). What is behind the
head is filled with patches of what is behind it elsewhere, if enough of that is known.
Hair, neck and shoulders are painted as heads are (``painted_heads``), and continued
smoothly further out: patches of the photo put pieces of people there.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.backgrounds import Background, patched_behind
from facefill.completion.face_outlines import crop_as_square
from facefill.completion.faces import FaceInPhoto, nearest_faces
from facefill.completion.head_outlines import (
    UPRIGHT,
    Mirror,
    Outline,
    find_mirror,
    places,
)
from facefill.completion.head_pictures import FIELD, SIDE, head_map
from facefill.completion.head_rings import fill_between_halves
from facefill.completion.mirrored_heads import mirrored_head
from facefill.completion.painted_heads import painted_head
from facefill.imaging.geometry import of_window
from facefill.imaging.grain import with_grain
from facefill.imaging.inpainting import inpaint
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels

Floats = NDArray[np.float32]

_LEAST_DEPTH = 14.0
"""Radius, in face pixels, of a circle that fits into the part of a hole beyond the face
where its head is continued so; beyond the photo's edge counts as hole. Less of it is
best continued by patches of what is next to it."""

_LEAST_BESIDE = 7.0
"""The same where less of it is mirrored: hair, ears and the brim of a hat."""

_EARS = 0.1
"""How far down that is done, in sides of the crop from its middle: beside a jaw is what
is behind the other half."""

_LEAST_MIRRORED = 0.65
"""Share of what is hidden of a turned head that its other half shows, if mirrored:
three quarters and more where half of a photo is gone, less above a torn corner."""

_LEAST_AHEAD = 0.3
"""The same of a head that looks ahead (31 torn corners of people to choose by)."""

_TURNED = 1.5
"""``Mirror.turn`` of heads that do not look ahead: five that were mirrored so had the
wall of one side, or a bent profile, on the other."""

_PAINTED = Outline(
    centre=-0.15, radii=(0.85, 0.95), body_top=0.45, body_width=1.3, shoulders=3.0
)
"""What may be of a head and its body: little hair reaches beyond it, and what is below
a chin is the body's, unless it is far beside it."""

_HIGH = _PAINTED._replace(radii=(0.85, 1.1))
"""The same of a head that was mirrored, whose hair or hat may end higher on either side
of what is left between both halves."""

_NEAR = _PAINTED._replace(radii=(0.95, 1.2))
"""What is mirrored beside a head above a torn corner: further out are other heads."""

_TOP_FIELD = 2.5
"""Sides of a face's crop that hold the ellipse of the highest outline, upright."""

_FADE = 2.0
"""Width of the band in which what is painted fades into patches of what is behind
heads, in face pixels."""

_WIDER_FIELDS = (2.8, 3.5, 4.4)
"""Sides of a face's crop that further pictures show, each around the last: where a
picture ends, nothing of its photo does."""

_LEAST_FRAMED = 0.25
"""Share of a part of the hole, but for what is behind heads, that such pictures show,
where all of it hides heads and bodies: what is beyond goes on smoothly."""

_AROUND = 48
"""Pixels around what goes on smoothly that are looked at."""

_LEVEL_REACH = 12.0
"""How far the photo's level at the edge of the hole reaches into what is painted, in
face pixels."""


def fill_beside_heads(
    faces: Sequence[FaceInPhoto], photo: Pixels, wanted: Mask, avoided: Mask
) -> Pixels:
    """Fill a part of a photo: heads as heads are, the rest by inpainting.

    Args:
        faces: Faces whose heads they are.
        photo: uint8 RGB (height, width, 3).
        wanted: Pixels to fill, which are not read, bool (height, width).
        avoided: Pixels that are not to be copied, bool (height, width).

    Returns:
        uint8 RGB (height, width, 3).
    """
    photo, left, behind = continue_heads(photo, wanted, faces)
    photo = inpaint(photo, left, (avoided | wanted) & ~left)
    return photo if behind is None else behind.laid_on(photo, left)


def continue_heads(
    photo: Pixels, wanted: Mask, faces: Sequence[FaceInPhoto]
) -> tuple[Pixels, Mask, Background | None]:
    """Fill what is hidden of heads and of what is around them.

    Holes that are thin, or reach little beyond the face, are left to other methods, but
    for what the other half shows above the ears.

    Args:
        photo: uint8 RGB (height, width, 3).
        wanted: Pixels to fill, which are not read, bool (height, width).
        faces: Faces whose heads they are.

    Returns:
        uint8 RGB (height, width, 3); what is left to fill, bool (height, width); and
        what is behind heads, which fades into that; None if no part of the hole is deep
        enough.
    """
    shape = wanted.shape[0], wanted.shape[1]
    frames = _frames(faces, shape, FIELD)
    parts = [
        _deep_parts(wanted, frame, _LEAST_DEPTH * face.enlargement)
        for face, frame in zip(faces, frames, strict=True)
    ]
    photo, left = _with_sides(photo, wanted, faces, frames, parts)
    if not any(part.any() for part in parts):
        return photo, left, None
    mirrors = [_mirror(photo, ~wanted, face) for face in faces]
    outlines, tops = np.zeros_like(wanted), np.zeros_like(wanted)
    for face, part, mirror in zip(faces, parts, mirrors, strict=True):
        outline = _PAINTED
        if (todo := left & part).any():
            photo, mirrored = _with_mirrored(photo, face, mirror, todo, ~left)
            left = left & ~mirrored
            if mirrored.any():
                outline = _HIGH
                photo, top = _with_top(photo, face, mirror, left & part, ~left)
                left, tops = left & ~top, tops | top
        to_square = crop_as_square(face.matrix, len(face.measurement.mask))
        outlines |= outline.mask(places(shape, to_square), mirror or UPRIGHT)
    hidden = (left | tops) & np.logical_or.reduce(parts)
    known = ~(left | tops)
    behind = patched_behind(photo, hidden, known, outlines, _fades(faces, shape))
    photo, left = behind.laid_on(photo, behind.filled), left & ~behind.filled
    for field in (FIELD, *_WIDER_FIELDS):
        frames = _frames(faces, shape, field)
        for face, part, frame in zip(faces, parts, frames, strict=True):
            if (todo := left & part & frame).any():
                photo, painted = _with_head(photo, face, field, frame, todo, ~left)
                left = left & ~painted
    around = _surroundings(wanted & ~behind.filled, left)
    photo, left = _continued(photo, around, ~left), left & ~around
    return behind.laid_on(photo, wanted & ~left), left, behind


def _frames(
    faces: Sequence[FaceInPhoto], shape: tuple[int, int], field: float
) -> list[Mask]:
    """Where a photo shows the picture of each head; what two show, of the nearer."""
    nearest = nearest_faces(faces, shape) if len(faces) > 1 else 0
    whole, flags = np.ones((SIDE, SIDE), np.uint8), cv2.INTER_NEAREST
    flags |= cv2.WARP_INVERSE_MAP
    frames = []
    for number, face in enumerate(faces):
        to_head = head_map(face.matrix, len(face.measurement.mask), field)
        frame = cv2.warpAffine(whole, to_head, shape[::-1], flags=flags) > 0
        frames.append(np.asarray(frame & (nearest == number)))
    return frames


def _mirror(photo: Pixels, known: Mask, face: FaceInPhoto) -> Mirror | None:
    """Find where a head has its middle, if its face is seen."""
    window = _window(face, known)
    to_square = crop_as_square(face.matrix, len(face.measurement.mask))
    return find_mirror(photo[window], known[window], of_window(to_square, window))


def _fades(faces: Sequence[FaceInPhoto], shape: tuple[int, int]) -> Floats:
    """Width of the band in which each head fades into what is behind it, in pixels."""
    widths = np.array([_FADE * face.enlargement for face in faces], np.float32)
    return widths[nearest_faces(faces, shape)]


def _window(face: FaceInPhoto, mask: Mask) -> tuple[slice, slice]:
    """Where a photo may show a head, and its mirror image."""
    return bounding_window(face.crop((mask.shape[0], mask.shape[1]), 2.0 * FIELD))


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
    to_square = crop_as_square(face.matrix, len(face.measurement.mask))
    mirror = found or UPRIGHT
    square = of_window(to_square, window)
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
    filled = _levelled(part, mirrored.picture, shown, compared, face.enlargement)
    photo = photo.copy()
    photo[window], done[window] = filled, shown
    return photo, done


def _with_sides(
    photo: Pixels,
    wanted: Mask,
    faces: Sequence[FaceInPhoto],
    frames: Sequence[Mask],
    deep: Sequence[Mask],
) -> tuple[Pixels, Mask]:
    """Mirror what little is hidden of heads beside their faces, down to the ears.

    Args:
        photo: The photo, with the faces completed.
        wanted: Pixels to fill.
        faces: The faces.
        frames: Where the photo shows the picture of each head.
        deep: Parts of the hole that reach far beyond each face.

    Returns:
        The photo, and what is left to fill.
    """
    left = wanted
    for face, frame, part in zip(faces, frames, deep, strict=True):
        shallow = _deep_parts(wanted, frame, _LEAST_BESIDE * face.enlargement) & ~part
        to_square = crop_as_square(face.matrix, len(face.measurement.mask))
        where = places((wanted.shape[0], wanted.shape[1]), to_square)
        shallow &= left & (where.down < _EARS)
        found = _mirror(photo, ~wanted, face) if shallow.any() else None
        if found is not None and found.turn < _TURNED:
            shallow &= _PAINTED.mask(where, found)
            photo, mirrored = _with_mirrored(photo, face, found, shallow, ~left)
            left = left & ~mirrored
    return photo, left


def _with_top(
    photo: Pixels, face: FaceInPhoto, mirror: Mirror | None, wanted: Mask, known: Mask
) -> tuple[Pixels, Mask]:
    """Fill the top of a head between its halves, and say what of it was filled."""
    done = np.zeros_like(wanted)
    crop = face.crop((known.shape[0], known.shape[1]), _TOP_FIELD)
    if not (wanted & crop).any():
        return photo, done
    window = bounding_window(crop)
    to_square = crop_as_square(face.matrix, len(face.measurement.mask))
    square = of_window(to_square, window)
    filled, done[window] = fill_between_halves(
        photo[window], wanted[window], known[window], square, mirror or UPRIGHT, _HIGH
    )
    photo = photo.copy()
    photo[window] = with_grain(filled, done[window], known[window])
    return photo, done


def _with_head(
    photo: Pixels,
    face: FaceInPhoto,
    field: float,
    frame: Mask,
    wanted: Mask,
    known: Mask,
) -> tuple[Pixels, Mask]:
    """Paint a head into its photo, and say what of it was painted.

    Args:
        photo: The photo, with the face completed.
        face: The face.
        field: Sides of its crop that the head's picture shows.
        frame: Where the photo shows that.
        wanted: Pixels to paint, within the frame.
        known: Pixels that are known or filled.
    """
    window = bounding_window(frame)
    to_head = head_map(face.matrix, len(face.measurement.mask), field)
    part, seen, matrix = photo[window], known[window], of_window(to_head, window)
    painted = painted_head(part, seen, matrix, is_wider=field > FIELD)
    if painted is None:
        return photo, np.zeros_like(wanted)
    compared = seen & frame[window]
    filled = _levelled(part, painted, wanted[window], compared, face.enlargement)
    photo = photo.copy()
    photo[window] = with_grain(filled, wanted[window], seen)
    return photo, wanted


def _surroundings(wanted: Mask, left: Mask) -> Mask:
    """What is left of those connected parts that hide heads for a good part."""
    count, labels = cv2.connectedComponents(wanted.astype(np.uint8), connectivity=8)
    sizes = np.bincount(labels[wanted], minlength=count)
    painted = np.bincount(labels[wanted & ~left], minlength=count)
    hides_heads = (painted > 0) & (painted >= _LEAST_FRAMED * sizes)
    return np.asarray(left & hides_heads[labels])


def _deep_parts(wanted: Mask, frame: Mask, depth: float) -> Mask:
    """Connected parts that reach into a frame, and are so deep somewhere, in pixels."""
    framed = np.pad(wanted.astype(np.uint8), 1, constant_values=1)
    away = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    _, labels = cv2.connectedComponents(wanted.astype(np.uint8), connectivity=8)
    deep = np.intersect1d(labels[wanted & (away >= depth)], labels[wanted & frame])
    return np.isin(labels, deep)


def _levelled(
    photo: Pixels, other: Pixels, wanted: Mask, known: Mask, scale: float
) -> Pixels:
    """Take pixels of another picture, of the photo's level where both are known.

    The difference between both there is carried on, weaker with every pixel.
    """
    difference = photo.astype(np.float32) - other
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    weight = np.exp(-away / (_LEVEL_REACH * scale))[..., None]
    levelled = other + membrane(difference, known) * weight
    pixels = np.clip(np.round(levelled), 0, 255).astype(np.uint8)
    return np.where(wanted[..., None], pixels, photo).astype(np.uint8)


def _continued(photo: Pixels, wanted: Mask, known: Mask) -> Pixels:
    """Continue a photo smoothly, but for its grain, which is that of known pixels."""
    if not wanted.any():
        return photo
    window = bounding_window(wanted, _AROUND)
    part, todo, seen = photo[window], wanted[window], known[window]
    smooth = np.round(membrane(part.astype(np.float32), seen))
    filled = np.where(todo[..., None], smooth, part).astype(np.uint8)
    photo = photo.copy()
    photo[window] = with_grain(filled, todo, seen)
    return photo
