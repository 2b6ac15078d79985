"""Heads beyond the crops of their faces, continued by their other halves.

A face is completed from the brows to the chin. Hair, ears, neck and shoulders beyond
are mirrored at the middle of the face, as far as the other half is known: patches of
the photo put pieces of people there. Two halves of one head differ less than that.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.faces import FaceInPhoto
from facefill.imaging.inpainting import inpaint, wide_parts
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

# In sides of the crop, from its middle: an ellipse about head and hair, and below the
# mouth the body, which widens to the shoulders.
_HEAD_CENTRE, _HEAD_RADII = -0.35, (1.15, 1.35)
_BODY_TOP, _BODY_WIDTH, _SHOULDERS = 0.45, 1.0, 1.2
_BODY_END = 1.6

_LEVEL_REACH = 12.0
"""How far the photo's level at the edge of the hole reaches into what is mirrored, in
face pixels: light from one side makes two halves differ in level."""

Floats = NDArray[np.float32]


class MirroredHeads(NamedTuple):
    """A photo in which heads are continued.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        filled: What was filled, bool (height, width).
        heads: Where heads and shoulders are, bool (height, width).
    """

    photo: Pixels
    filled: Mask
    heads: Mask


def fill_beside_heads(
    hole: Mask,
    faces: Sequence[FaceInPhoto],
    photo: Pixels,
    wanted: Mask,
    avoided: Mask,
) -> Pixels:
    """Fill a part of a hole: heads by their other halves, the rest by inpainting.

    Args:
        hole: Pixels from which nothing is mirrored, bool (height, width).
        faces: Faces whose heads they are.
        photo: uint8 RGB (height, width, 3).
        wanted: Pixels to fill, bool (height, width); within the hole.
        avoided: Pixels that are not to be copied, bool (height, width).

    Returns:
        uint8 RGB (height, width, 3).
    """
    heads = mirror_heads(photo, hole, wanted, faces)
    rest = wanted & ~heads.filled
    if heads.filled.any():
        avoided = avoided | heads.heads
    return inpaint(heads.photo, rest, avoided & ~rest)


def mirror_heads(
    photo: Pixels, hole: Mask, wanted: Mask, faces: Iterable[FaceInPhoto]
) -> MirroredHeads:
    """Fill what a hole hides of heads by their other halves.

    What of a head neither half shows, between what is known and what was mirrored, is
    filled with patches of the same head. Thin holes are left to other methods, which
    carry lines across them.

    Args:
        photo: uint8 RGB (height, width, 3).
        hole: Pixels from which nothing is mirrored, bool (height, width).
        wanted: Pixels to fill, bool (height, width); within the hole.
        faces: Faces whose heads they are.
    """
    filled, heads = np.zeros_like(hole), np.zeros_like(hole)
    wanted = wide_parts(wanted)
    for face in faces:
        window = _window(face, hole.shape)
        todo = (wanted & ~filled)[window]
        if not todo.any():
            continue
        head = _Head(face, window, todo.shape)
        heads[window] |= head.extent
        part, done = _continued(photo[window], hole[window], todo, head)
        photo = photo.copy()
        photo[window] = part
        filled[window] |= done
    return MirroredHeads(photo, filled, heads)


class _Head:
    """Where a head is in a window of its photo, and where pixels have mirror images.

    Attributes:
        extent: Pixels of head and shoulders, bool (height, width).
        image: Column and row of each pixel's mirror image, float32 (height, width).
        scale: Pixels of the photo for a pixel of the face.
    """

    def __init__(
        self, face: FaceInPhoto, window: tuple[slice, slice], shape: tuple[int, ...]
    ) -> None:
        size = len(face.measurement.mask)
        middle = np.float32((size - 1) / 2.0)
        rows = np.arange(shape[0], dtype=np.float32)[:, None] + window[0].start
        columns = np.arange(shape[1], dtype=np.float32) + window[1].start
        across, down = (
            (x * columns + y * rows + shift).astype(np.float32) - middle
            for x, y, shift in face.matrix
        )
        self.extent = _extent(across / size, down / size)
        back = np.linalg.inv(np.vstack([face.matrix, [0.0, 0.0, 1.0]]))
        left, below = middle - across, middle + down
        self.image = tuple(
            (x * left + y * below + shift - window[1 - axis].start).astype(np.float32)
            for axis, (x, y, shift) in enumerate(back[:2])
        )
        self.scale = face.enlargement


def _extent(across: Floats, down: Floats) -> Mask:
    """Tell which places, in sides of the crop from its middle, are head or body."""
    wide, high = _HEAD_RADII
    head = (across / wide) ** 2 + ((down - _HEAD_CENTRE) / high) ** 2 < 1.0
    width = _BODY_WIDTH + _SHOULDERS * np.clip(down - _BODY_TOP, 0.0, 1.0)
    body = (down > _BODY_TOP) & (down < _BODY_END) & (np.abs(across) < width)
    return np.asarray(head | body, np.bool_)


def _window(face: FaceInPhoto, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Bound head and shoulders, and their mirror images, in a photo of a shape."""
    size = len(face.measurement.mask)
    reach = size * (_BODY_WIDTH + _SHOULDERS)
    top, bottom = size * (_HEAD_CENTRE - _HEAD_RADII[1]), size * _BODY_END
    corners = np.array(
        [(x, y) for x in (-reach, reach) for y in (top, bottom)], np.float64
    )
    linear = face.matrix[:, :2]
    placed = np.linalg.solve(linear, (corners + (size - 1) / 2.0 - face.matrix[:, 2]).T)
    spans = []
    for places, side in ((placed[1], shape[0]), (placed[0], shape[1])):
        begin = int(np.clip(np.floor(places.min()), 0, side))
        spans.append(slice(begin, int(np.clip(np.ceil(places.max()), begin, side))))
    return spans[0], spans[1]


def _continued(
    photo: Pixels, hole: Mask, wanted: Mask, head: _Head
) -> tuple[Pixels, Mask]:
    """Continue one head in a window of its photo; what was filled of it."""
    reachable = cv2.erode((~hole).astype(np.uint8), np.ones((3, 3), np.uint8))
    columns, rows = head.image
    shares = cv2.remap(reachable.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
    known = np.asarray(shares) > 0.999
    wanted = wanted & head.extent
    mirrored = wanted & known
    if not mirrored.any():
        return photo, mirrored
    image = np.asarray(
        cv2.remap(
            photo, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )
    levelled = image + _level(photo, image, known & ~hole, head.scale)
    pixels = np.clip(np.round(levelled), 0, 255).astype(np.uint8)
    filled = np.where(mirrored[..., None], pixels, photo).astype(np.uint8)
    gap = wanted & ~mirrored
    # Of the hole there is nothing to copy from, nor of what is not this head.
    return inpaint(filled, gap, ~head.extent | (hole & ~mirrored)), wanted


def _level(photo: Pixels, image: Pixels, known: Mask, scale: float) -> Floats:
    """Difference of a photo to its mirror image, carried from where both are known."""
    difference = photo.astype(np.float32) - image
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    weight = np.exp(-away / (_LEVEL_REACH * scale))
    return np.asarray(membrane(difference, known) * weight[..., None], np.float32)
