"""Between a photo and what a page shows of it: smaller pictures, faces, paint."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facefill.errors import MaskError
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.imaging.pictures import thumbnail
from facefill.preparation.extraction import Extraction, Face

MAX_SIDE = 1024
"""Of what is shown, in pixels: a photo of 25 megapixels would take a browser long."""

_OPAQUE = 128
_BOX, _LANDMARK, _HOLE = (255, 196, 0), (0, 220, 130), (255, 0, 140)


def shown(photo: Pixels) -> Pixels:
    """Make a photo small enough to be shown, uint8 RGB; a small one stays as it is."""
    return thumbnail(photo, MAX_SIDE)


def with_faces(photo: Pixels, found: Extraction, hole: Mask | None = None) -> Pixels:
    """Draw on a photo where its faces are, and its hole.

    Args:
        photo: uint8 RGB (height, width, 3).
        found: What ``extract`` finds in it.
        hole: bool (height, width), True = hole; None draws none.

    Returns:
        uint8 RGB, no larger than ``shown`` makes the photo: boxes of the detector,
        landmarks, and the outline of the hole.
    """
    picture = shown(photo).copy()
    scale = picture.shape[1] / photo.shape[1]
    line = max(1, round(max(picture.shape[:2]) / 256))
    if hole is not None:
        small = cv2.resize(hole.astype(np.uint8), picture.shape[1::-1])
        outlines, _ = cv2.findContours(small, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, _HOLE, line)
    for face in found.faces:
        _draw(picture, face, scale, line)
    return picture


def _draw(picture: Pixels, face: Face, scale: float, line: int) -> None:
    if face.box is not None:
        left, top, right, bottom = (round(edge * scale) for edge in face.box)
        cv2.rectangle(picture, (left, top), (right, bottom), _BOX, line)
    for x, y in face.landmarks if face.landmarks is not None else ():
        at = round(float(x) * scale), round(float(y) * scale)
        cv2.circle(picture, at, line, _LANDMARK, cv2.FILLED, cv2.LINE_AA)


def painted_hole(
    layers: Sequence[NDArray[np.uint8]], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Tell the hole of a photo that is painted on a smaller picture of it.

    Args:
        layers: What is painted, uint8 RGBA of one size and of the photo's proportions.
        size: Height and width of the photo.

    Returns:
        bool (height, width), True = hole: where any layer is rather opaque.

    Raises:
        MaskError: If nothing is painted.
    """
    hole = np.zeros(size, np.bool_)
    for layer in layers:
        opaque = (layer[..., 3] >= _OPAQUE).astype(np.uint8)
        # A stroke of one pixel must not fall between those of a larger photo.
        scaled = cv2.resize(opaque, size[::-1], interpolation=cv2.INTER_NEAREST)
        hole |= scaled.astype(np.bool_)
    if not hole.any():
        raise MaskError("nothing is painted")
    return hole


def write_mask(hole: Mask, path: Path) -> Path:
    """Write a hole as the mask file that ``facefill complete`` takes, white = hole."""
    Image.fromarray(hole).save(path)
    return path
