"""Mask files as people have them, and the hole of the aligned face.

A mask file is a picture in which the hole is painted: white on black, in any format,
with 1 bit, grey levels, a palette, colours or transparency. Editors write it in three
ways that look alike on the screen: strokes on an opaque ground, strokes on a layer that
is transparent, and the photo with the hole erased. ``hole_of_mask`` reads all of them.
"""

import logging
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.errors import MaskError, PhotoError
from facefill.imaging.masks import WHITE, Mask, mask_from_photo, mask_from_square
from facefill.imaging.photos import (
    Pixels,
    decode_with_alpha,
    read_content,
)
from facefill.parameters.choices import MaskPolarity
from facefill.parameters.defaults import MAX_BYTES, MAX_PIXELS

LARGE_HOLE = 0.6
"""Share of a face from which its hole is taken for the mask of the wrong polarity."""

IF_INVERTED = (
    "if the mask's black and white are the wrong way round, invert it, or in a project "
    "set complete.mask_files"
)
"""What to do about a mask that hides too much, for errors and warnings."""

# A mask is black and white: a picture of which more is neither is a photo.
_MAX_BETWEEN = 0.25
_BLACK, _WHITE, _COLOURFUL = 48, 207, 48

logger = logging.getLogger(__name__)


def read_hole(
    file: Path,
    size: tuple[int, int],
    polarity: MaskPolarity = "white_is_hole",
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
) -> Mask:
    """Read a mask file.

    A mask of another size but of the photo's proportions is scaled, with a warning.

    Args:
        file: Path of a picture of the photo's own size.
        size: Height and width of the photo.
        polarity: Meaning of white pixels.
        max_pixels: Largest number of pixels; that of photos.
        max_bytes: Largest size of the file; that of photos.

    Returns:
        bool (height, width), True = hole.

    Raises:
        MaskError: If the file cannot be read, is of other proportions, is a photo
            instead of a mask, or hides nothing.
    """
    try:
        pixels, alpha = decode_with_alpha(read_content(file, max_bytes), max_pixels)
    except PhotoError as error:
        raise MaskError(f"mask {file} cannot be read ({error})") from error
    _require_proportions((pixels.shape[0], pixels.shape[1]), size, f"mask {file}")
    try:
        hole = hole_of_mask(pixels, alpha, polarity)
    except MaskError as error:
        raise MaskError(f"mask {file} {error}") from error
    return scaled_hole(hole, size, f"mask {file}")


def hole_of_mask(
    pixels: Pixels, alpha: NDArray[np.uint8] | None, polarity: MaskPolarity
) -> Mask:
    """Tell the hole that a picture of it shows.

    Transparency counts where there is any: a photo of which a part was erased is
    missing that part; strokes on a transparent layer are the hole if they are white, or
    of whatever single colour; grey levels from 128 count as white.

    Args:
        pixels: uint8 RGB (height, width, 3).
        alpha: uint8 (height, width), 255 = opaque; None if all of it is.
        polarity: Meaning of white pixels.

    Returns:
        bool (height, width), True = hole.

    Raises:
        MaskError: If the picture is a photo, or hides nothing.
    """
    if alpha is not None and alpha.min() < 255:
        hole = _hole_of_layer(pixels, alpha)
    else:
        _require_black_and_white(pixels)
        hole = pixels.max(axis=-1) >= WHITE
    if polarity == "white_is_known":
        hole = ~hole
    if not hole.any():
        colour = "white" if polarity == "white_is_hole" else "black"
        raise MaskError(f"has no {colour} pixel, so nothing is missing")
    return np.asarray(hole)


def _hole_of_layer(pixels: Pixels, alpha: NDArray[np.uint8]) -> Mask:
    visible = alpha >= WHITE
    shown = pixels[visible]
    if len(shown) and _share_between(shown) > _MAX_BETWEEN and _varies(shown):
        return np.asarray(~visible)  # a photo, of which the hole was erased
    white = visible & (pixels.max(axis=-1) >= WHITE)
    return np.asarray(white if white.any() else visible)


def _require_black_and_white(pixels: Pixels) -> None:
    if _share_between(pixels.reshape(-1, 3)) > _MAX_BETWEEN:
        raise MaskError(
            "is neither black nor white in most of it, as if it were the photo itself; "
            "paint the hole white on black, or leave the file out and set "
            "complete.hole_from to the colour or the transparency of the hole"
        )


def _share_between(pixels: Pixels) -> float:
    """Share of pixels that are neither near black, nor near white."""
    low, high = pixels.min(axis=-1), pixels.max(axis=-1)
    is_clear = (high <= _BLACK) | (low >= _WHITE)
    return 1.0 - float(is_clear.mean())


def _varies(pixels: Pixels) -> bool:
    return bool(np.std(pixels.astype(np.float32), axis=0).max() > _COLOURFUL / 4)


def scaled_hole(hole: Mask, size: tuple[int, int], name: str) -> Mask:
    """Bring a hole to the size of its photo.

    Args:
        hole: bool (height, width), True = hole.
        size: Height and width of the photo.
        name: What to call it in a message.

    Raises:
        MaskError: If its proportions are not those of the photo, to a pixel.
    """
    if hole.shape == size:
        return hole
    shape = hole.shape[0], hole.shape[1]
    _require_proportions(shape, size, name)
    logger.warning("%s is %s; it is scaled", name, _sizes(shape, size))
    levels = hole.astype(np.float32)
    shares = cv2.resize(levels, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(shares >= 0.5)


def _require_proportions(
    shape: tuple[int, int], size: tuple[int, int], name: str
) -> None:
    scale = max(shape[0] / size[0], shape[1] / size[1])
    if np.abs(scale * np.array(size) - shape).max() > 1.0:
        raise MaskError(f"{name} is {_sizes(shape, size)}")


def _sizes(shape: tuple[int, int], size: tuple[int, int]) -> str:
    return f"{shape[1]}x{shape[0]}, its photo {size[1]}x{size[0]} pixels"


def grown(hole: Mask, pixels: int) -> Mask:
    """Grow a hole by a disc, such as over what JPEG has smeared around it.

    Args:
        hole: bool (height, width), True = hole.
        pixels: Radius of the disc; 0 leaves the hole as it is.
    """
    if pixels == 0:
        return hole
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1,) * 2)
    return np.asarray(cv2.dilate(hole.astype(np.uint8), disc) > 0)


def face_mask(hole: Mask, matrix: NDArray[np.float64] | None, size: int) -> Mask:
    """Mask of an aligned face, from the hole of its photo.

    Args:
        hole: In the photo's own size, bool (height, width), True = hole.
        matrix: Affine map from photo to face, (2, 3); None if the face is the square
            in the middle of the photo.
        size: Side of the face in pixels.

    Returns:
        bool (size, size), True = known.
    """
    if matrix is None:
        return mask_from_square(hole, size)
    return mask_from_photo(hole, matrix, size)
