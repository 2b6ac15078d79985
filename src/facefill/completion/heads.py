"""Heads beyond the crops of their faces.

A face is completed from the brows to the chin. Hair, ears, neck and shoulders beyond
are mirrored at the middle of the face, as far as the other half is known, and as wide
as the head is turned (``mirrored_heads``): patches of the photo put pieces of people
there, and two halves of one head differ less than that.
Where neither half shows anything, as below a tear, they are as other people make them
expected.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.expected_heads import expected_head, head_map
from facefill.completion.face_outlines import crop_as_square
from facefill.completion.faces import FaceInPhoto
from facefill.completion.head_gaps import fill_gap
from facefill.completion.mirrored_heads import find_mirror
from facefill.imaging.inpainting import inpaint
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels

_LEAST_DEPTH = 14.0
"""Pixels of the face that a hole reaches beyond it at least where its head is continued
so: less of it is best continued by patches of what is next to it."""

# In sides of the crop, from the middle of a head that is not turned: an ellipse about
# head and hair, and below the mouth the body, which widens to the shoulders.
_HEAD_CENTRE, _HEAD_RADII = -0.35, (1.15, 1.35)
_BODY_TOP, _BODY_WIDTH, _SHOULDERS = 0.45, 1.0, 1.2
_BODY_END = 1.6
_FADE = 0.2
"""Width of the edge of both, in radii and in sides of the crop: there what is mirrored
fades into what is inpainted, since the background may be another on either side."""
_WINDOW = 3.0

_LEAST_MIRRORED = 0.5
"""Share of what is hidden of a head, most of it below the face, that its other half
shows, if it is mirrored."""

_LEVEL_REACH = 12.0
"""How far the photo's level at the edge of the hole reaches into what is mirrored, in
face pixels: light from one side makes two halves differ in level."""

Floats = NDArray[np.float32]


class ContinuedHeads(NamedTuple):
    """A photo in which heads are continued.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        shares: Share of each pixel that was filled, float32 (height, width); the rest
            of it is of what is inpainted around, so that no edge shows.
        heads: Where heads and shoulders are for certain, bool (height, width).
    """

    photo: Pixels
    shares: Floats
    heads: Mask


def fill_beside_heads(
    hole: Mask,
    faces: Sequence[FaceInPhoto],
    photo: Pixels,
    wanted: Mask,
    avoided: Mask,
) -> Pixels:
    """Fill a part of a hole: heads as heads are, the rest by inpainting.

    Args:
        hole: Pixels from which nothing is mirrored, bool (height, width).
        faces: Faces whose heads they are.
        photo: uint8 RGB (height, width, 3).
        wanted: Pixels to fill, bool (height, width); within the hole.
        avoided: Pixels that are not to be copied, bool (height, width).

    Returns:
        uint8 RGB (height, width, 3).
    """
    heads = continue_heads(photo, hole, wanted, faces)
    rest = wanted & (heads.shares < 1.0)
    if heads.heads.any():
        avoided = avoided | heads.heads
    inpainted = inpaint(heads.photo, rest, avoided & ~rest)
    shares = heads.shares[..., None]
    mixed = inpainted + shares * (heads.photo.astype(np.float32) - inpainted)
    return np.where(rest[..., None], np.round(mixed), inpainted).astype(np.uint8)


def continue_heads(
    photo: Pixels, hole: Mask, wanted: Mask, faces: Iterable[FaceInPhoto]
) -> ContinuedHeads:
    """Fill what a hole hides of heads by their other halves, or what is expected.

    Holes that are thin, or reach little beyond the face, are left to other methods.

    Args:
        photo: uint8 RGB (height, width, 3).
        hole: Pixels from which nothing is mirrored, bool (height, width).
        wanted: Pixels to fill, bool (height, width); within the hole.
        faces: Faces whose heads they are.
    """
    shares, heads = np.zeros(hole.shape, np.float32), np.zeros_like(hole)
    for face in faces:
        window = _window(face, hole.shape)
        deep = _deep_parts(wanted, _LEAST_DEPTH * face.enlargement)
        todo = (deep & (shares == 0.0))[window]
        if not todo.any():
            continue
        seen = ~(wanted & (shares == 0.0))[window]
        head = _Head(face, window, photo[window], seen)
        part, done = _continued(photo[window], hole[window], todo, seen, head)
        if done.any():
            photo = photo.copy()
            photo[window] = part
            shares[window] = np.where(done > 0.0, done, shares[window])
            heads[window] |= head.shares == 1.0
    return ContinuedHeads(photo, shares, heads)


def _deep_parts(wanted: Mask, depth: float) -> Mask:
    """Connected parts of which a pixel is so far from all others, in pixels."""
    framed = np.pad(wanted.astype(np.uint8), 1, constant_values=1)
    away = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    _, labels = cv2.connectedComponents(wanted.astype(np.uint8), connectivity=8)
    deep = np.unique(labels[wanted & (away >= depth)])
    return np.isin(labels, deep)


class _Head:
    """Where a head is in a window of its photo, and where pixels have mirror images.

    Attributes:
        shares: 1 where head and shoulders are, 0 far from them, in between at their
            edge, float32 (height, width).
        across: How far to the right of the head's middle each pixel is, as if it were
            not turned, in sides of the crop, float32 (height, width).
        down: How far below the middle of the crop, in the same.
        image: Column and row of each pixel's mirror image, float32 (height, width).
        to_picture: Map from the window to the head's picture, float64 (2, 3).
        scale: Pixels of the photo for a pixel of the face.
    """

    def __init__(
        self,
        face: FaceInPhoto,
        window: tuple[slice, slice],
        photo: Pixels,
        seen: Mask,
    ) -> None:
        """Find it; the photo and what is known or completed of it are the window's."""
        size = len(face.measurement.mask)
        left, top = window[1].start, window[0].start
        to_frame = crop_as_square(face.matrix, size, left, top)
        mirror = find_mirror(photo, seen, to_frame)
        height, width = seen.shape
        rows = np.arange(height, dtype=np.float32)[:, None]
        columns = np.arange(width, dtype=np.float32)
        across, down = (
            (x * columns + y * rows + shift).astype(np.float32) - np.float32(0.5)
            for x, y, shift in to_frame
        )
        self.across, self.down = mirror.unturned(across), down
        self.shares = _shares(self.across, down)
        back = cv2.invertAffineTransform(to_frame)
        beside = mirror.image(across) + np.float32(0.5)
        below = down + np.float32(0.5)
        self.image = tuple(
            (x * beside + y * below + shift).astype(np.float32) for x, y, shift in back
        )
        matrix = face.matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ (left, top)
        self.to_picture = head_map(matrix, size)
        self.scale = face.enlargement


def _shares(across: Floats, down: Floats) -> Floats:
    """Tell which places, in sides of the crop from its middle, are head or body."""
    wide, high = _HEAD_RADII
    radius = np.hypot(across / wide, (down - _HEAD_CENTRE) / high)
    width = _BODY_WIDTH + _SHOULDERS * np.clip(down - _BODY_TOP, 0.0, 1.0)
    within = np.minimum(width - np.abs(across), _BODY_END - down)
    body = np.where(down > _BODY_TOP, within, 0.0)
    shares = np.clip(np.maximum(1.0 - radius, body) / _FADE, 0.0, 1.0)
    return np.asarray(shares, np.float32)


def _window(face: FaceInPhoto, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Bound head, shoulders and what is around them in a photo of a shape."""
    size = len(face.measurement.mask)
    ends = (-size * _WINDOW, size * _WINDOW)
    corners = np.array([(x, y) for x in ends for y in ends])
    linear = face.matrix[:, :2]
    placed = np.linalg.solve(linear, (corners + (size - 1) / 2.0 - face.matrix[:, 2]).T)
    spans = []
    for places, side in ((placed[1], shape[0]), (placed[0], shape[1])):
        begin = int(np.clip(np.floor(places.min()), 0, side))
        spans.append(slice(begin, int(np.clip(np.ceil(places.max()), begin, side))))
    return spans[0], spans[1]


def _continued(
    photo: Pixels, hole: Mask, wanted: Mask, seen: Mask, head: _Head
) -> tuple[Pixels, Floats]:
    """Continue one head in a window of its photo; the shares that were filled of it.

    Args:
        photo: The window, with the face completed.
        hole: Pixels from which nothing is mirrored.
        wanted: Pixels to fill.
        seen: Pixels that are known, or completed.
        head: The head.
    """
    reachable = cv2.erode((~hole).astype(np.uint8), np.ones((3, 3), np.uint8))
    columns, rows = head.image
    shares = cv2.remap(reachable.astype(np.float32), columns, rows, cv2.INTER_LINEAR)
    known = np.asarray(shares) > 0.999
    extent = head.shares > 0.0
    hidden = wanted & extent
    mirrored = hidden & known
    gap = hidden & ~mirrored
    is_below = gap.any() and np.median(head.down[gap]) > 0.0
    if is_below and mirrored.sum() <= _LEAST_MIRRORED * hidden.sum():
        expected = expected_head(photo, seen, head.to_picture)
        if expected is None:
            return photo, np.zeros_like(head.shares)
        filled = _levelled(photo, expected, wanted, seen, head.scale)
        return filled, wanted.astype(np.float32)
    image = np.asarray(
        cv2.remap(
            photo, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )
    filled = _levelled(photo, image, mirrored, known & ~hole, head.scale)
    filled = fill_gap(filled, gap, ~seen & ~mirrored, head.across, head.down)
    return filled, np.where(hidden, head.shares, np.float32(0.0))


def _levelled(
    photo: Pixels, other: Pixels | Floats, wanted: Mask, known: Mask, scale: float
) -> Pixels:
    """Take pixels of another picture, of the photo's level where both are known.

    The difference between both there is carried on, weaker with every pixel.
    """
    if not wanted.any():
        return photo
    difference = photo.astype(np.float32) - other
    away = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 5)
    weight = np.exp(-away / (_LEVEL_REACH * scale))[..., None]
    levelled = other + membrane(difference, known) * weight
    pixels = np.clip(np.round(levelled), 0, 255).astype(np.uint8)
    return np.where(wanted[..., None], pixels, photo).astype(np.uint8)
