"""A photo to complete as it is given: its pixels, its hole, and where its face is.

Nothing here needs a network, so that faces can be sought while TensorFlow is loaded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from facefill.errors import MaskError, PhotoError
from facefill.imaging.holes import hole_reader
from facefill.imaging.mask_files import hole_of_mask, scaled_hole
from facefill.imaging.masks import Mask
from facefill.imaging.photo_files import PhotoFile
from facefill.imaging.photos import Pixels, decode_photo, read_content
from facefill.parameters import CompleteOptions, IngestOptions, MaskName
from facefill.preparation.hints import hint_of, read_hint
from facefill.preparation.hole_alignment import Hint

Photo: TypeAlias = str | Path | Pixels
"""A path, or uint8 RGB (height, width, 3)."""

Hole: TypeAlias = str | Path | NDArray[np.uint8] | NDArray[np.bool_]
"""A mask file, white = hole; bool (height, width), True = hole; uint8 grey, RGB or
RGBA, white = hole; or the name of a shape, such as ``center``."""

GivenHint: TypeAlias = str | Path | Mapping[str, Any]
"""A JSON file, or what one holds: the box of a face, or its eyes."""


@dataclass(frozen=True, eq=False)
class GivenPhoto:
    """A photo to complete.

    Attributes:
        pixels: uint8 RGB (height, width, 3).
        original: Its file, if it came from one.
        hole: What is missing, bool (height, width), True = hole; None if a shape of
            the face is.
        shape: Name of that shape.
        hint: Where the face is, if the user says so.
    """

    pixels: Pixels
    original: PhotoFile | None
    hole: Mask | None
    shape: MaskName | None
    hint: Hint | None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]


def read_given(
    photo: Photo, mask: Hole, options: CompleteOptions, hint: GivenHint | None
) -> GivenPhoto:
    """Read a photo, its hole and the hint on its face.

    Args:
        photo: As ``facefill.complete`` takes it.
        mask: As ``facefill.complete`` takes it.
        options: How holes are read.
        hint: As ``facefill.complete`` takes it.

    Raises:
        PhotoError: If the photo or the hint (``hint``) cannot be used.
        MaskError: If the mask cannot be used.
    """
    pixels, original = read_pixels(photo)
    hole = _hole(mask, pixels, original, options)
    shape: Any = str(mask) if hole is None else None
    return GivenPhoto(pixels, original, hole, shape, _hint(hint))


def read_pixels(photo: Photo) -> tuple[Pixels, PhotoFile | None]:
    """Read a photo, uint8 RGB (height, width, 3), and its file, if it has one.

    Raises:
        PhotoError: If it cannot be used.
    """
    if isinstance(photo, str | Path):
        content = read_content(Path(photo))
        return decode_photo(content), PhotoFile(content)
    is_rgb = photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3
    if not is_rgb or not photo.size:
        raise PhotoError(
            "unsupported",
            f"a photo is uint8 RGB (height, width, 3), not {photo.dtype} {photo.shape}",
        )
    return photo, None


def _hint(hint: GivenHint | None) -> Hint | None:
    if hint is None:
        return None
    if isinstance(hint, str | Path):
        return read_hint(Path(hint))
    try:
        return hint_of(hint)
    except ValueError as error:
        raise PhotoError("hint", str(error)) from error


def _hole(
    mask: Hole, photo: Pixels, original: PhotoFile | None, options: CompleteOptions
) -> Mask | None:
    """Read the hole of the photo; None if a shape of the face is named."""
    reader = hole_reader(options, IngestOptions())
    content = original.content if original else b""
    if not isinstance(mask, str | Path):
        size = photo.shape[0], photo.shape[1]
        hole = scaled_hole(_hole_of_array(mask, options), size, "the mask")
        return reader.grown(hole, content)
    name, shapes = str(mask), get_args(MaskName)
    if name in (*shapes, "alpha", "colour") and not Path(name).exists():
        if name in shapes:
            return None
        for source in ("alpha", "colour"):
            if name == source:
                return replace(reader, source=source).read(photo, content, None)
    return replace(reader, source="files").read(photo, content, Path(mask))


def _hole_of_array(
    mask: NDArray[np.uint8] | NDArray[np.bool_], options: CompleteOptions
) -> Mask:
    if mask.dtype == np.bool_ and mask.ndim == 2 and mask.size:
        if not mask.any():
            raise MaskError("the mask hides nothing: True is the hole")
        return np.asarray(mask, np.bool_)
    channels = mask.shape[2] if mask.ndim == 3 else 1
    is_picture = mask.dtype == np.uint8 and mask.ndim in (2, 3) and mask.size > 0
    if not is_picture or channels not in (1, 3, 4):
        raise MaskError(
            "a mask is bool or uint8 (height, width), or a uint8 picture of 1, 3 or 4 "
            f"channels, not {mask.dtype} {mask.shape}"
        )
    levels = np.asarray(mask, np.uint8).reshape(*mask.shape[:2], channels)
    rgb = np.repeat(levels, 3, axis=-1) if channels == 1 else levels[..., :3]
    alpha = levels[..., 3] if channels == 4 else None
    try:
        return hole_of_mask(rgb, alpha, options.mask_files)
    except MaskError as error:
        raise MaskError(f"the mask {error}") from error
