"""Small previews of pictures, which Kedro-Viz shows beside the graph."""

import base64
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from kedro_datasets._typing import ImagePreview

    from facefill.imaging.photos import Pixels

MAX_SIDE = 600
"""Of a preview in pixels: all of them are sent to the browser at once."""

SIDE_IN_SHEET = 96
MAX_IN_SHEET = 16


def preview_of(picture: "Pixels") -> "ImagePreview":
    """Encode a picture, uint8 (height, width, 3), made smaller if it is large."""
    from facefill.imaging.pictures import encode_png, thumbnail

    content = encode_png(thumbnail(picture, MAX_SIDE))
    preview: ImagePreview = base64.b64encode(content).decode()
    return preview


def contact_sheet(contents: Iterable[Callable[[], bytes]]) -> "ImagePreview":
    """Lay the first pictures of a folder out; what is no picture is passed over.

    Args:
        contents: What reads each file.

    Raises:
        ValueError: If none of the files is a picture.
    """
    import numpy as np

    from facefill.errors import PhotoError
    from facefill.imaging.photos import decode_photo
    from facefill.imaging.pictures import grid

    def pictures() -> "Iterable[np.ndarray]":
        for content in contents:
            try:
                yield _squared(decode_photo(content()))
            except PhotoError:
                continue

    shown: Sequence[np.ndarray] = list(islice(pictures(), MAX_IN_SHEET))
    return preview_of(grid(np.stack(shown)))


def _squared(picture: "Pixels") -> "Pixels":
    """Fit a picture into a square, white around it."""
    import cv2
    import numpy as np

    scale = SIDE_IN_SHEET / max(picture.shape[:2])
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    square = np.full((SIDE_IN_SHEET, SIDE_IN_SHEET, 3), 255, np.uint8)
    top, left = (SIDE_IN_SHEET - height) // 2, (SIDE_IN_SHEET - width) // 2
    square[top : top + height, left : left + width] = cv2.resize(
        picture, (width, height), interpolation=cv2.INTER_AREA
    )
    return square
