"""Photos back to files as they came: format, mode, depth, profile, metadata.

Synopsis::

    original = PhotoFile(content)  # bytes of a file that ``decode_photo`` reads
    content = original.filled(result, hole)  # bytes of the same format

Only pixels of the hole are taken from the result; all others are the numbers of the
file, never converted to sRGB and back, so that in a lossless format they are equal.
JPEG is compressed again with the tables of the file.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, TiffImagePlugin, TiffTags

from facefill.errors import PhotoError
from facefill.imaging.colour_profiles import from_srgb
from facefill.imaging.masks import Mask
from facefill.imaging.photos import PHOTO_FORMATS, Pixels

SUFFIXES = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "GIF": ".gif",
    "TIFF": ".tif",
}
"""Ending of a file by its format."""

_QUALITY = 95
_LOSSLESS = "tiff_adobe_deflate"
_ORIENTATION = 0x0112
# What undoes each orientation of EXIF, as ``ImageOps.exif_transpose`` does it.
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,  # back from upright, so the other way round
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
# Description, camera, software, date, artist, copyright, XMP, IPTC.
_TIFF_TAGS = {270, 271, 272, 305, 306, 315, 33432, 700, 33723}
_PNG_START = b"\x89PNG\r\n\x1a\n"
# Chunks of pixels and of what is made anew with them, and of an animation: of that the
# first picture alone is completed.
_OWN_CHUNKS = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"bKGD", b"hIST"),
    *(b"acTL", b"fcTL", b"fdAT"),
}

_WEBP_PIXELS = (b"VP8 ", b"VP8L")


def format_of(path: str | Path) -> str:
    """Format that a file's name asks for by its ending, by Pillow's name.

    Raises:
        PhotoError: ``unsupported``, if the name has no ending of a picture's, or of one
            that cannot be written in colour.
    """
    kind = Image.registered_extensions().get(Path(path).suffix.lower())
    if kind is None:
        endings = ", ".join(SUFFIXES.values())
        raise PhotoError(
            "unsupported",
            f"the name {path} does not end as a picture's does: {endings}",
        )
    if not _is_written(kind):
        raise PhotoError("unsupported", f"{path}: {kind} can be read, but not written")
    return kind


@cache
def _is_written(kind: str) -> bool:
    """Whether Pillow writes colours in a format; of some it has but the name."""
    try:
        Image.new("RGB", (16, 16)).save(io.BytesIO(), format=kind)
    # KeyError, ValueError, OSError: whatever stands in the place of an encoder.
    except Exception:
        return False
    return True


class PhotoFile:
    """A photo's file, into which a completed hole can be put.

    Attributes:
        format: JPEG, PNG, WEBP, BMP, GIF or TIFF.
        suffix: Ending of its name.
        content: The file.
    """

    def __init__(self, content: bytes) -> None:
        """Read the head of a file that ``photos.decode_photo`` has decoded whole."""
        self.content = content
        with self._opened() as image:
            # Of several pictures in a JPEG, as cameras write them, the first counts.
            self.format = "JPEG" if image.format == "MPO" else str(image.format)
            self._profile: bytes | None = image.info.get("icc_profile")
            # Pillow turns a TIFF by itself, and takes the tag away.
            is_turned = self.format == "TIFF"
            self._orientation = 1 if is_turned else image.getexif().get(_ORIENTATION, 1)
        self.suffix = SUFFIXES[self.format]

    def filled(self, result: Pixels, hole: Mask) -> bytes:
        """Encode the photo with the pixels of its hole replaced.

        Args:
            result: Completed photo, uint8 RGB (height, width, 3), upright, sRGB.
            hole: bool (height, width), True = pixels to take from it.

        Returns:
            A file of the photo's own format.
        """
        fill = self._as_stored(Image.fromarray(result))
        inside = np.asarray(self._as_stored(Image.fromarray(hole))).astype(np.bool_)
        deep = self._deep_pixels()
        if deep is not None:
            return self._encode_deep(deep, fill, inside)
        with self._opened() as image:
            image.load()
            if image.mode == "P" and self.format != "GIF":
                transparent = image.has_transparency_data
                stored = image.convert("RGBA" if transparent else "RGB")
            else:
                stored = image
            return self._encode(_merged(stored, fill, inside, self._profile), image)

    def _opened(self) -> Image.Image:
        with warnings.catch_warnings(action="ignore"):
            return Image.open(io.BytesIO(self.content), formats=PHOTO_FORMATS)

    def _as_stored(self, upright: Image.Image) -> Image.Image:
        """Turn an upright picture to how the file's rows lie."""
        transpose = _TRANSPOSES.get(self._orientation)
        return upright if transpose is None else upright.transpose(transpose)

    def _deep_pixels(self) -> NDArray[np.uint16] | None:
        """Decode pixels of 16 bits, BGR or grey; None if they have fewer.

        Pillow keeps 8 of them in colour.
        """
        if self.format not in ("PNG", "TIFF"):
            return None
        buffer = np.frombuffer(self.content, np.uint8)
        pixels = cv2.imdecode(
            buffer, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
        )
        if pixels is None or pixels.dtype != np.uint16:
            return None
        return np.asarray(pixels, np.uint16)

    def _encode_deep(
        self, pixels: NDArray[np.uint16], fill: Image.Image, inside: Mask
    ) -> bytes:
        channels = 1 if pixels.ndim == 2 else min(pixels.shape[2], 3)
        mode = "L" if channels == 1 else "RGB"
        levels = (
            np.asarray(from_srgb(fill, self._profile, mode)).astype(np.uint16) * 257
        )
        merged = pixels.copy()
        if channels == 1:
            merged[inside] = levels[inside]
        else:
            merged[inside, :3] = levels[inside][:, ::-1]
        is_encoded, content = cv2.imencode(self.suffix, merged)
        assert is_encoded  # for mypy: OpenCV writes what it has read
        return self._with_chunks(content.tobytes())

    def _encode(self, merged: Image.Image, image: Image.Image) -> bytes:
        options = self._options(image)
        stream = io.BytesIO()
        try:
            merged.save(stream, format=self.format, **options)
        except (ValueError, OSError):
            if self.format != "TIFF":
                raise
            # Its compression is one that can be read, but not written.
            stream = io.BytesIO()
            options["compression"] = _LOSSLESS
            merged.save(stream, format=self.format, **options)
        return self._with_chunks(stream.getvalue())

    def _options(self, image: Image.Image) -> dict[str, Any]:
        """Gather what the encoder of the format is to be told."""
        info = image.info
        kept: dict[str, Any] = {
            key: info[key]
            for key in ("icc_profile", "exif", "dpi", "xmp", "comment")
            if info.get(key)
        }
        match self.format:
            case "JPEG":
                assert isinstance(image, JpegImagePlugin.JpegImageFile)  # for mypy
                kept["qtables"] = image.quantization
                kept["progressive"] = bool(info.get("progressive"))
                if image.mode == "RGB":
                    kept["subsampling"] = JpegImagePlugin.get_sampling(image)
                return kept
            case "PNG":
                return {}  # its chunks are copied
            case "WEBP":
                kept.pop("comment", None)
                return kept | {
                    "lossless": not is_lossy(self.content),
                    "quality": _QUALITY,
                    "exact": True,
                }
            case "TIFF":
                return self._tiff_options(image)
            case "GIF":
                return {
                    key: info[key] for key in ("transparency", "comment") if key in info
                }
        return {key: kept[key] for key in ("dpi",) if key in kept}

    def _tiff_options(self, image: Image.Image) -> dict[str, Any]:
        """Gather a TIFF's compression and the tags that are not of its pixels."""
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        for tag, value in image.getexif().items():
            # Some programs write a number where text belongs, which libtiff refuses.
            is_text = TiffTags.lookup(tag).type == TiffTags.ASCII
            if tag in _TIFF_TAGS and not (is_text and not isinstance(value, str)):
                tags[tag] = value
        compression = image.info.get("compression", "raw")
        kept = {key: image.info.get(key) for key in ("icc_profile", "dpi")}
        return {key: value for key, value in kept.items() if value} | {
            "compression": None if compression == "raw" else compression,
            "tiffinfo": tags,
        }

    def _with_chunks(self, content: bytes) -> bytes:
        """Copy to a PNG what the file says beside its pixels."""
        if self.format != "PNG":
            return content
        kept = [
            chunk for kind, chunk in _chunks(self.content) if kind not in _OWN_CHUNKS
        ]
        made = list(_chunks(content))
        own = {
            kind: chunk for kind, chunk in made if kind in (b"IHDR", b"PLTE", b"tRNS")
        }
        pixels = [chunk for kind, chunk in made if kind == b"IDAT"]
        end = [chunk for kind, chunk in made if kind == b"IEND"]
        return b"".join(
            [_PNG_START, own.pop(b"IHDR"), *kept, *own.values(), *pixels, *end]
        )


def _merged(
    stored: Image.Image, fill: Image.Image, inside: Mask, profile: bytes | None
) -> Image.Image:
    """Put the hole's pixels into a picture of whatever mode."""
    mode = stored.mode
    if mode == "P":
        dithered = fill.quantize(palette=stored)
        indices = np.where(inside, np.asarray(dithered), np.asarray(stored))
        merged = Image.fromarray(indices.astype(np.uint8), mode="P")
        merged.putpalette(stored.getpalette() or [])
        return merged
    if mode in ("RGBA", "LA"):
        colour = from_srgb(fill, profile, mode[:-1])
        opaque = Image.new("L", fill.size, 255)
        fill_in_mode = Image.merge(mode, [*colour.split(), opaque])
    elif mode in ("RGB", "L", "CMYK", "LAB"):
        fill_in_mode = from_srgb(fill, profile, mode)
    else:
        fill_in_mode = fill.convert(mode)
    merged = stored.copy()
    merged.paste(fill_in_mode, mask=Image.fromarray(inside))
    return merged


def is_lossy(content: bytes) -> bool:
    """Whether a photo's file is of a format that changes pixels: JPEG, lossy WebP.

    Args:
        content: A file that ``photos.decode_photo`` has decoded whole.
    """
    if content[:3] == b"\xff\xd8\xff":
        return True
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return False
    at = 12
    # The pixels come after a profile, if there is one, of any length.
    while at + 8 <= len(content) and content[at : at + 4] not in _WEBP_PIXELS:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return content[at : at + 4] != b"VP8L"


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Cut a PNG into chunks: the kind of each, and all of its bytes."""
    at = len(_PNG_START)
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunk = content[at : at + 12 + length]
        if zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big"):
            yield chunk[4:8], chunk
        at += 12 + length
