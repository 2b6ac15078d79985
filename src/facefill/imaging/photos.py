"""Decoding of photos from strangers: strict, bounded, upright, in sRGB.

Synopsis::

    photo = read_photo(Path("ann.jpg"))  # uint8 RGB, or PhotoError with a reason

Files are decoded from memory and never by OpenCV, which crashes on a path that is not
UTF-8 and returns half-grey pictures for truncated files.
"""

import hashlib
import io
import os
import stat
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from facefill.errors import PhotoError
from facefill.imaging.colour_profiles import to_srgb
from facefill.parameters.defaults import MAX_BYTES, MAX_PIXELS

Pixels: TypeAlias = NDArray[np.uint8]

PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_WITH_ALPHA = ("P", "PA", "LA", "La", "RGBa", "RGBA")
_DIRECT = ("1", "L", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")


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


def decode_with_alpha(
    content: bytes, max_pixels: int = MAX_PIXELS
) -> tuple[Pixels, NDArray[np.uint8] | None]:
    """Decode a picture whose transparency means something.

    Args:
        content: As for ``decode_photo``.
        max_pixels: As for ``decode_photo``.

    Returns:
        uint8 RGB (height, width, 3), and opacity, uint8 (height, width), 255 = opaque,
        which is None for formats and modes without any.

    Raises:
        PhotoError: With the reasons of ``decode_photo``.
    """
    pixels = decode_photo(content, max_pixels)
    with (
        warnings.catch_warnings(action="ignore"),
        Image.open(io.BytesIO(content), formats=PHOTO_FORMATS) as image,
    ):
        if not image.has_transparency_data:
            return pixels, None
        # Decoded whole a moment ago: what can fail has been met.
        image.load()
        return pixels, np.array(_upright(image).convert("RGBA").getchannel("A"))


def _decode_opened(image: Image.Image, max_pixels: int) -> Pixels:
    width, height = image.size
    if width * height > max_pixels:
        raise PhotoError("too_many_pixels", f"{width}x{height}")
    image.load()
    profile = image.info.get("icc_profile")
    return _to_rgb(_upright(image), profile)


def _upright(image: Image.Image) -> Image.Image:
    try:
        # In place, lest a photo that is upright already be copied.
        ImageOps.exif_transpose(image, in_place=True)
    # Broken metadata must not lose a photo whose pixels are good.
    except Exception:
        return image
    return image


def _to_rgb(image: Image.Image, profile: bytes | None) -> Pixels:
    if image.mode in _SIXTEEN_BIT:
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in _WITH_ALPHA:
        image = Image.fromarray(np.asarray(image.convert("RGBA"))[:, :, :3].copy("C"))
    if image.mode in _DIRECT:
        # np.array, since np.asarray of a picture cannot be written to.
        return np.array(to_srgb(image, profile))
    raise PhotoError("unsupported", f"pixels of kind {image.mode}")


def has_colour_profile(content: bytes) -> bool:
    """Tell whether a photo's file has a colour profile, without decoding its pixels.

    Args:
        content: The file; one that is no picture has none.
    """
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(content), formats=PHOTO_FORMATS) as image,
        ):
            return bool(image.info.get("icc_profile"))
    # Whatever Pillow makes of a damaged file; decoding it will say so.
    except Exception:
        return False


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
