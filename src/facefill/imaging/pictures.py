"""Pictures of our own making: PNG and GIF, grids, and the conversion of pixel range.

Synopsis::

    batch = to_float(faces)  # float32 in [-1, 1], for the networks
    write_png(Path("face.png"), to_uint8(generated))

Pixels at rest are uint8 RGB of shape (height, width, 3), in the networks float32 in
[-1, 1]. Files of others are decoded by ``photos``.
"""

import math
from pathlib import Path
from typing import Any

import cv2
import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from facefill.errors import PhotoError
from facefill.imaging.photos import Pixels, read_content
from facefill.runtime.files import write_bytes


def to_float(pixels: Pixels) -> NDArray[np.float32]:
    """Map uint8 pixels to float32 in [-1, 1]: 0 is -1 and 255 is 1."""
    return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def to_uint8(values: NDArray[Any]) -> Pixels:
    """Map floats in [-1, 1] to uint8, rounding to the nearest and clipping.

    The inverse of ``to_float`` for every uint8 value.
    """
    scaled = np.rint((np.asarray(values, np.float32) + 1.0) * 127.5)
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def encode_png(pixels: Pixels) -> bytes:
    """Encode (height, width, 3) RGB or (height, width) grey as PNG."""
    bgr = pixels[:, :, ::-1] if pixels.ndim == 3 else pixels
    encoded, content = cv2.imencode(".png", np.ascontiguousarray(bgr))
    if not encoded:
        raise ValueError(f"no picture of shape {pixels.shape} {pixels.dtype}")
    return content.tobytes()


def decode_png(content: bytes) -> Pixels:
    """Decode a PNG of ours to uint8 RGB of shape (height, width, 3).

    Raises:
        PhotoError: ``damaged``.
    """
    buffer = np.frombuffer(content, np.uint8)
    bgr = cv2.imdecode(buffer, cv2.IMREAD_COLOR) if buffer.size else None
    if bgr is None:
        raise PhotoError("damaged", "not a whole PNG file")
    return np.ascontiguousarray(bgr[:, :, ::-1], dtype=np.uint8)


def write_png(path: Path, pixels: Pixels) -> None:
    """Write a PNG atomically, making its folder."""
    write_bytes(path, encode_png(pixels))


def read_png(path: Path) -> Pixels:
    """Read a PNG of ours as uint8 RGB of shape (height, width, 3).

    Raises:
        PhotoError: ``damaged``, or those of ``read_content``.
    """
    return decode_png(read_content(path))


def encode_gif(frames: Pixels, frames_per_second: float) -> bytes:
    """Encode frames as a GIF that repeats for ever.

    Args:
        frames: uint8 RGB of shape (num_frames, height, width, 3).
        frames_per_second: GIF rounds the time of a frame to 10 ms.
    """
    duration_ms = 1000.0 / frames_per_second
    return bytes(
        imageio.imwrite(
            "<bytes>", frames, extension=".gif", duration=duration_ms, loop=0
        )
    )


def thumbnail(picture: Pixels, max_side: int) -> Pixels:
    """Shrink a picture to a longest side; a small one stays as it is.

    Args:
        picture: uint8 (height, width, 3).
        max_side: In pixels.

    Returns:
        uint8, of the same proportions, at least a pixel high and wide.
    """
    height, width = picture.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1.0:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def grid(images: Pixels, columns: int | None = None, gap: int = 2) -> Pixels:
    """Lay pictures out in rows, white between them and in empty places.

    Args:
        images: uint8 of shape (num_images, height, width, 3), one at least.
        columns: Pictures a row; as square as possible if not given.
        gap: Pixels between pictures; none around the whole.

    Returns:
        One picture, uint8 RGB.
    """
    num_images, height, width, channels = images.shape
    if num_images == 0:
        raise ValueError("a grid needs one picture at least")
    columns = columns or math.ceil(math.sqrt(num_images))
    rows = math.ceil(num_images / columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    picture = np.full(shape, 255, np.uint8)
    for index, image in enumerate(images):
        top = index // columns * (height + gap)
        left = index % columns * (width + gap)
        picture[top : top + height, left : left + width] = image
    return picture
