"""Heads beyond the crops of their faces.

A face is completed from the brows to the chin. What one half of the head shows of the
other comes first (``head_halves``). What is behind the head is filled with patches of
what is behind it elsewhere, if enough of that is known (``backgrounds``). Hair, neck
and shoulders are painted as heads are (``painted_heads``), and continued smoothly
further out: patches of the photo put pieces of people there.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.backgrounds import Background, Behind, patched_behind
from facefill.completion.faces import FaceInPhoto, nearest_faces
from facefill.completion.head_halves import with_halves, with_sides
from facefill.completion.head_pictures import FIELD, SIDE, head_map
from facefill.completion.levels import levelled
from facefill.completion.painted_heads import loading_networks, painted_head
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

_LEAST_PAINTED = 4.0
"""The same of what is painted: a whole picture for a few pixels costs a second, and
shows nothing (31 torn corners of people to choose by)."""

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
    beside = [
        _deep_parts(wanted, frame, _LEAST_BESIDE * face.enlargement) & ~part
        for face, frame, part in zip(faces, frames, parts, strict=True)
    ]
    photo, left = with_sides(photo, wanted, faces, beside)
    if not any(part.any() for part in parts):
        return photo, left, None
    with loading_networks():
        photo, left, tops, outlines, right = with_halves(
            photo, wanted, left, faces, parts
        )
        hidden = (left | tops) & np.logical_or.reduce(parts)
        known, fades = ~(left | tops), _fades(faces, shape)
        behind = patched_behind(
            photo, Behind(hidden, known, ~wanted, outlines, fades, right)
        )
        photo, left = behind.laid_on(photo, behind.filled), left & ~behind.filled
    for field in (FIELD, *_WIDER_FIELDS):
        frames = _frames(faces, shape, field)
        for face, part, frame in zip(faces, parts, frames, strict=True):
            todo = left & part & frame
            if todo.any():
                todo = _deep_parts(todo, frame, _LEAST_PAINTED * face.enlargement)
            if todo.any():
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


def _fades(faces: Sequence[FaceInPhoto], shape: tuple[int, int]) -> Floats:
    """Width of the band in which each head fades into what is behind it, in pixels."""
    widths = np.array([_FADE * face.enlargement for face in faces], np.float32)
    return widths[nearest_faces(faces, shape)]


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
    inside = wanted[window]
    painted = painted_head(part, seen, inside, matrix, is_wider=field > FIELD)
    if painted is None:
        return photo, np.zeros_like(wanted)
    compared = seen & frame[window]
    filled = levelled(part, painted, inside, compared, face.enlargement)
    photo = photo.copy()
    photo[window] = with_grain(filled, inside, seen)
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
