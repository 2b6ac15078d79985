"""Photos and pictures: decoding, encoding and the one conversion of pixel range.

Synopsis::

    photo = read_photo(Path("ann.jpg"))  # uint8 RGB, or PhotoError with a reason
    batch = to_float(faces)  # float32 in [-1, 1], for the networks
    write_png(Path("face.png"), to_uint8(generated))

Pixels at rest are uint8 RGB of shape (height, width, 3). Files are decoded from
memory and never by OpenCV, which crashes on a path that is not UTF-8 and returns
half-grey pictures for truncated files.
"""

import hashlib
import io
import math
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from facefill.errors import PhotoError
from facefill.files import write_bytes

Pixels: TypeAlias = NDArray[np.uint8]

PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 25_000_000
MAX_BYTES = 200_000_000
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_WITH_ALPHA = ("P", "PA", "LA", "La", "RGBa", "RGBA")
_DIRECT = ("1", "L", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")


def to_float(pixels: Pixels) -> NDArray[np.float32]:
    """Map uint8 pixels to float32 in [-1, 1]: 0 is -1 and 255 is 1."""
    return pixels.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def to_uint8(values: NDArray[Any]) -> Pixels:
    """Map floats in [-1, 1] to uint8, rounding to the nearest and clipping.

    The inverse of ``to_float`` for every uint8 value.
    """
    scaled = np.rint((np.asarray(values, np.float32) + 1.0) * 127.5)
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def read_photo(
    path: Path, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES
) -> Pixels:
    """Read a photo as uint8 RGB, upright.

    Args:
        path: Any file; what is not a regular one is refused without opening it.
        max_pixels: Larger photos are refused before they are decoded.
        max_bytes: Larger files are refused unread.

    Returns:
        Pixels of shape (height, width, 3), orientation of EXIF applied, alpha
        dropped, 16 bits reduced to their upper 8.

    Raises:
        PhotoError: With the reasons of ``read_content`` and ``decode_photo``.
    """
    return decode_photo(read_content(path, max_bytes), max_pixels)


def read_content(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """Read the bytes of a regular file of reasonable size.

    Raises:
        PhotoError: ``not_a_file`` (a pipe, a device), ``empty``,
            ``too_many_bytes``, or ``unopenable``.
    """
    with _opened(path, max_bytes) as stream:
        return stream.read()


def read_known(path: Path, sha256: str) -> bytes:
    """Read the bytes of a file that was read before.

    Raises:
        PhotoError: ``changed``, or ``not_a_file``, ``empty``, ``unopenable``.
    """
    # Its size was judged when it was hashed, and it is the same file still.
    content = read_content(path, sys.maxsize)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise PhotoError("changed", f"{path} changed while it was being prepared")
    return content


def hash_file(path: Path, max_bytes: int) -> str:
    """Hash the bytes that ``read_content`` would give; 64 hexadecimal digits.

    Raises:
        PhotoError: The reasons of ``read_content``.
    """
    with _opened(path, max_bytes) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _opened(path: Path, max_bytes: int) -> Iterator[io.BufferedReader]:
    try:
        # Opening a device may do something to it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise PhotoError("not_a_file", str(path))
        # Opening a named pipe would wait for a writer for ever, if one has taken
        # the place of the file since.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise PhotoError("not_a_file", str(path))
            if status.st_size == 0:
                raise PhotoError("empty", str(path))
            if status.st_size > max_bytes:
                raise PhotoError("too_many_bytes", f"{path}: {status.st_size} bytes")
            yield stream
    except (OSError, ValueError) as error:
        raise PhotoError("unopenable", f"{path}: {error}") from error


def decode_photo(content: bytes, max_pixels: int = MAX_PIXELS) -> Pixels:
    """Decode a photo strictly: a truncated one is an error, not half a picture.

    Args:
        content: A whole JPEG, PNG, WebP, BMP, GIF (first frame) or TIFF file.
        max_pixels: Larger photos are refused before they are decoded.

    Returns:
        uint8 RGB of shape (height, width, 3).

    Raises:
        PhotoError: ``not_a_picture``, ``too_many_pixels``, ``truncated``,
            ``damaged``, ``unsupported`` (32-bit pixels) or ``out_of_memory``.
    """
    try:
        with (
            # Pillow warns about odd metadata; what counts here are the pixels.
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(content), formats=PHOTO_FORMATS) as image,
        ):
            return _decode_opened(image, max_pixels)
    except PhotoError:
        raise
    except UnidentifiedImageError as error:
        raise PhotoError("not_a_picture", str(error)) from error
    except Image.DecompressionBombError as error:
        raise PhotoError("too_many_pixels", str(error)) from error
    except MemoryError as error:
        raise PhotoError("out_of_memory", str(error)) from error
    # Decoders raise whatever a damaged file leads them to: OSError, SyntaxError,
    # struct.error, KeyError, IndexError and others were seen.
    except Exception as error:
        reason = "truncated" if "truncated" in str(error).lower() else "damaged"
        raise PhotoError(reason, str(error)) from error


def _decode_opened(image: Image.Image, max_pixels: int) -> Pixels:
    width, height = image.size
    if width * height > max_pixels:
        raise PhotoError("too_many_pixels", f"{width}x{height}")
    image.load()
    return _to_rgb(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    try:
        # In place, lest a photo that is upright already be copied.
        ImageOps.exif_transpose(image, in_place=True)
    # Broken metadata must not lose a photo whose pixels are good.
    except Exception:
        return image
    return image


def _to_rgb(image: Image.Image) -> Pixels:
    if image.mode in _SIXTEEN_BIT:
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in _WITH_ALPHA:
        return np.asarray(image.convert("RGBA"))[:, :, :3].copy(order="C")
    if image.mode == "RGB":
        return np.array(image)  # without the copy that converting makes
    if image.mode in _DIRECT:
        return np.array(image.convert("RGB"))
    raise PhotoError("unsupported", f"pixels of kind {image.mode}")


def perceptual_hash(photo: Pixels) -> str:
    """Hash what a photo shows: near-equal photos differ in few of 64 bits.

    The difference hash: brightness rises from left to right or not, at 8x8
    places of the photo shrunk to 9x8.

    Args:
        photo: uint8 RGB of shape (height, width, 3).

    Returns:
        16 hexadecimal digits.
    """
    grey = Image.fromarray(photo).convert("L")
    small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX))
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


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
