"""Pictures within a page, as ``data:`` URIs."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from facefill.imaging.photos import Pixels

_QUALITY = 85


def picture_uri(picture: Pixels, max_side: int) -> str:
    """Encode a picture for a page.

    Args:
        picture: uint8 (height, width, 3) RGB, or (height, width) grey.
        max_side: In pixels; a larger picture is made smaller.

    Returns:
        A ``data:`` URI of WebP.
    """
    image = Image.fromarray(picture)
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"


def picture_uri_of_file(path: Path, max_side: int) -> str:
    """Encode a picture that facefill wrote."""
    with Image.open(path) as image:
        return picture_uri(np.array(image.convert("RGB")), max_side)
