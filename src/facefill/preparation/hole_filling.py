"""Fillings of a photo's hole by nothing but its known pixels, for face detection.

None of them is meant to be looked at. They stand for what the hole hides while a
detector and a landmark model read the photo: neither knows of masks.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE = 128
"""Longer side of the copy that is inpainted: its time grows with the hole's area."""
_RADIUS = 3
# Places of a face's axis, in widths of the photo from the hole's edge towards what is
# known: an axis that is met roughly is enough for a detector.
_AXIS_OFFSETS = (-0.04, 0.0, 0.06, 0.12)
_MIRRORED_SHARE = 0.15
"""Smaller holes leave enough of a face for detectors, and are not mirrored."""


def inpainted(photo: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Continue what surrounds a hole into it (Telea 2004), at a coarse scale.

    Args:
        photo: uint8 RGB (height, width, 3); what is under the hole is not read.
        hole: bool (height, width), True = hidden.

    Returns:
        uint8 RGB (height, width, 3), the known pixels as they were.
    """
    if hole.all():
        return np.zeros_like(photo)
    height, width = hole.shape
    scale = min(1.0, _SIDE / max(height, width))
    small = (max(1, round(scale * width)), max(1, round(scale * height)))
    weight = _resized((~hole).astype(np.float32), small)
    seen = np.where(hole[..., None], 0, photo).astype(np.float32)
    mean = _resized(seen, small) / np.maximum(weight, 1e-6)[..., None]
    unknown = weight < 0.5
    if unknown.all():
        unknown = weight < weight.max()
    coarse = np.clip(np.rint(mean), 0, 255).astype(np.uint8)
    whole = cv2.inpaint(coarse, unknown.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
    filling = cv2.resize(whole, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(hole[..., None], filling, photo).astype(np.uint8)


def _resized(
    picture: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def mirrored(
    filled: NDArray[np.uint8], hole: NDArray[np.bool_]
) -> list[NDArray[np.uint8]]:
    """Fill a large hole with the mirror image of what is beside it.

    Half a face and its mirror image are a face to a detector. Each filling is for
    another vertical axis, at the left or right edge of the hole or near it.

    Args:
        filled: From ``inpainted``; it stays where the mirror image is hidden, too.
        hole: bool (height, width), True = hidden.
    """
    if hole.mean() < _MIRRORED_SHARE:
        return []
    width = hole.shape[1]
    columns = np.flatnonzero(hole.mean(axis=0) > 0.5)
    if not len(columns):
        return []
    axes = {
        edge + direction * offset * width
        for edge, direction in ((columns[0] - 0.5, -1), (columns[-1] + 0.5, 1))
        for offset in _AXIS_OFFSETS
    }
    inside = [axis for axis in sorted(axes) if 0.15 * width < axis < 0.85 * width]
    return [_reflected(filled, hole, axis) for axis in inside]


def _reflected(
    filled: NDArray[np.uint8], hole: NDArray[np.bool_], axis: float
) -> NDArray[np.uint8]:
    width = hole.shape[1]
    opposite = np.rint(2.0 * axis - np.arange(width)).astype(np.int64)
    inside = (opposite >= 0) & (opposite < width)
    opposite = opposite.clip(0, width - 1)
    taken = hole & ~hole[:, opposite] & inside
    return np.where(taken[..., None], filled[:, opposite], filled)
