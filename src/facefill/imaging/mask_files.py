"""Mask files: reading the hole of a photo, and carrying it over to the face."""

from pathlib import Path
from typing import Literal

import numpy as np

from facefill.errors import MaskError, PhotoError
from facefill.imaging.masks import WHITE, mask_from_photo, mask_from_square
from facefill.imaging.photos import decode_photo

MaskPolarity = Literal["white_is_hole", "white_is_known"]


def read_hole(
    file: Path, size: tuple[int, int], polarity: MaskPolarity = "white_is_hole"
) -> np.ndarray:
    """Read a mask file; grey levels from 128 count as white, those below as black.

    Args:
        file: Path of a picture of the photo's own size.
        size: Height and width of the photo.
        polarity: Meaning of white pixels.

    Returns:
        bool (height, width), True = hole.

    Raises:
        MaskError: If the file cannot be read, is of another size or hides nothing.
    """
    try:
        pixels = decode_photo(file.read_bytes())
    except PhotoError as error:
        raise MaskError(f"mask {file} cannot be read ({error})") from error
    if pixels.shape[:2] != size:
        raise MaskError(
            f"mask {file} is {pixels.shape[1]}x{pixels.shape[0]}, its photo "
            f"{size[1]}x{size[0]} pixels"
        )
    hole = pixels.max(axis=-1) >= WHITE
    if polarity == "white_is_known":
        hole = ~hole
    if not hole.any():
        colour = "white" if polarity == "white_is_hole" else "black"
        raise MaskError(f"mask {file} has no {colour} pixel, so nothing is missing")
    return np.asarray(hole)


def hole_in_face(
    hole: np.ndarray, matrix: np.ndarray | None, size: int, file: Path
) -> np.ndarray:
    """Mask of an aligned face, from the hole of a mask file.

    Args:
        hole: In the photo's own size, bool (height, width), True = hole.
        matrix: Affine map from photo to face, (2, 3); None if the face is the square
            in the middle of the photo.
        size: Side of the face in pixels.
        file: Path of the mask file, for the error message.

    Returns:
        bool (size, size), True = known.

    Raises:
        MaskError: If the face is hidden as a whole, or not at all.
    """
    if matrix is None:
        mask = mask_from_square(hole, size)
    else:
        mask = mask_from_photo(hole, matrix, size)
    if mask.all():
        raise MaskError(
            f"the hole of mask {file} is beside the face, where nothing is completed"
        )
    if not mask.any():
        raise MaskError(
            f"mask {file} hides the whole face, so nothing is left to complete it "
            "from; is its polarity (complete.mask_files) the right one?"
        )
    return mask
