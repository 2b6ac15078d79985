"""Heads and shoulders around completed faces, painted where a hole hides them.

What other people make expected of a head is a blur (``expected_heads``). From it, and
from what is known around the hole, the refiner of heads paints hair, clothes and what
is behind. Around a head that is painted it goes on so, in wider pictures, from a smooth
continuation of what there is. The refiner of faces then doubles the picture's sides as
often as the photo asks for: it has learnt how what is soft would be sharp, and hair and
cloth are no harder for it than eyes.

The refiner of heads is made by ``tools/ship_head_refiner.py``.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.expected_heads import expected_head
from facefill.completion.head_pictures import SIDE, head_picture, resized, resizing
from facefill.imaging.geometry import applied, composed
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels
from facefill.models import pretrained
from facefill.models.refinement import CoarseCrop, Refiner, finer, shipped_network
from facefill.models.refiner import FACTOR, GRID

_LARGEST_SIDE = 512
"""Of a painted picture, in pixels."""
_ENOUGH = 0.75
"""Pixels of a picture for one of the photo, along a side, that need no doubling."""


_LEAST_KNOWN = 0.025
"""Share of a picture without which nothing is painted."""
_AROUND = 64
"""Pixels around what is wanted that are looked at where a picture is doubled."""
_SMOOTHNESS = 3.0
"""Standard deviation of the blur of a smooth continuation, in pixels of ``SIDE``."""

_LOADING = Lock()


def painted_head(
    photo: Pixels,
    known: Mask,
    wanted: Mask,
    to_head: NDArray[np.float64],
    *,
    is_wider: bool = False,
) -> Pixels | None:
    """Paint what is hidden of a head.

    Args:
        photo: With the face completed, uint8 RGB (height, width, 3); unknown pixels are
            not read.
        known: Pixels that are known or filled, bool (height, width).
        wanted: Hidden pixels that are asked for, some of it True, bool (height, width):
            far from them the picture is soft.
        to_head: Map from the photo to the picture of the head, as ``head_map`` has it.
        is_wider: Whether the picture shows more than a head, of which nothing is
            expected but that it goes on.

    Returns:
        The head in the photo's own pixels, uint8 RGB (height, width, 3), beyond the
        picture of it the pixels at its edge; None if next to nothing is known.

    Raises:
        ModelError: If the packaged statistics or networks cannot be used.
    """
    picture, seen = head_picture(photo, known, to_head)
    if seen.mean() < _LEAST_KNOWN:
        return None
    if is_wider:
        coarse = _smooth(picture, seen)
    else:
        coarse = resized(expected_head(picture, seen), SIDE)
    networks = _networks()
    (painted,) = networks.of_heads.refine([CoarseCrop(picture, coarse, seen)])
    while len(painted) < _LARGEST_SIDE and _scale(to_head) < _ENOUGH:
        to_head, side = finer(to_head), FACTOR * len(painted)
        picture, seen = head_picture(photo, known, to_head, side)
        window = _window(wanted, to_head, side)
        crop = CoarseCrop(picture, painted, seen)
        painted = networks.doubling.refine_window(crop, window)
    return _in_photo(painted, to_head, known.shape)


@contextmanager
def loading_networks() -> Iterator[None]:
    """Load the networks beside what is done within, which takes a second, once.

    What is wrong with them is an error of whoever paints.
    """
    with ThreadPoolExecutor(1) as thread:
        thread.submit(_networks)
        yield


class _Networks(NamedTuple):
    """Refiners, in float32, so that heads are the same on every machine.

    Attributes:
        of_heads: Paints what is hidden, in ``SIDE`` pixels.
        doubling: Doubles a picture's sides: that of faces.
    """

    of_heads: Refiner
    doubling: Refiner


def _networks() -> _Networks:
    with _LOADING:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> _Networks:
    of_heads = Refiner(pretrained.load_head_refiner(), picture_share=1.0)
    # The first pass traces the graph.
    nothing = np.zeros((SIDE, SIDE, 3), np.uint8)
    of_heads.refine([CoarseCrop(nothing, nothing, nothing[..., 0] > 0)])
    return _Networks(of_heads, Refiner(shipped_network(), picture_share=1.0))


def _smooth(picture: Pixels, known: Mask) -> Pixels:
    continued = membrane(picture.astype(np.float32), known)
    blurred = cv2.GaussianBlur(continued, (0, 0), _SMOOTHNESS)
    return np.asarray(np.clip(np.round(blurred), 0, 255), np.uint8)


def _window(
    wanted: Mask, to_head: NDArray[np.float64], side: int
) -> tuple[slice, slice]:
    """Where a picture of a head shows wanted pixels and what is around them."""
    rows, columns = bounding_window(wanted)
    corners = [
        (x, y) for x in (columns.start, columns.stop) for y in (rows.start, rows.stop)
    ]
    places = applied(to_head, np.array(corners, np.float64))
    across, down = (
        _span(low - _AROUND, high + _AROUND, side)
        for low, high in zip(places.min(axis=0), places.max(axis=0), strict=True)
    )
    return down, across


def _span(begin: float, end: float, side: int) -> slice:
    """Half of a side of a picture, or all of it: XLA compiles anew for each shape."""
    half = side // 2
    start = int(np.clip(begin, 0, half)) // GRID * GRID
    return slice(start, start + half) if min(end, side) <= start + half else slice(side)


def _scale(to_head: NDArray[np.float64]) -> float:
    """Pixels of the picture for one of the photo, along a side."""
    return float(abs(np.linalg.det(to_head[:, :2])) ** 0.5)


def _in_photo(
    painted: Pixels, to_head: NDArray[np.float64], shape: tuple[int, ...]
) -> Pixels:
    """Show a picture of a head where it is in a photo of a height and a width."""
    if (scale := _scale(to_head)) > 1.0:
        # Of a small face: sampled as it is, the picture would lose every second pixel.
        side = max(round(len(painted) / scale), 1)
        to_head = composed(resizing(len(painted), side), to_head)
        small = cv2.resize(painted, (side, side), interpolation=cv2.INTER_AREA)
        painted = np.asarray(small, np.uint8)
    flags, border = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    shown = cv2.warpAffine(
        painted, to_head, shape[::-1], flags=flags, borderMode=border
    )
    return np.asarray(shown, np.uint8)
