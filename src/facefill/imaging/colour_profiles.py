"""Colour profiles of photos: into sRGB, in which all work is done, and back.

A photo's numbers mean colours only together with its ICC profile: pure red of sRGB is
(234, 51, 35) in the Display P3 of a phone. Without a profile sRGB is meant.
"""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC

_NEAR = 2
"""Grey levels within which a profile is that of sRGB under another name."""

_MODES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a picture to sRGB.

    Args:
        image: Of mode RGB, L, CMYK or LAB.
        profile: ICC profile of its numbers; one that is damaged, or of another mode,
            counts as none.

    Returns:
        Mode RGB; the same numbers if they are those of sRGB already.
    """
    transform = _transform(profile, image.mode, forward=True) if profile else None
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    return _applied(transform, image)


def from_srgb(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    """Convert a picture of sRGB to the numbers of a profile.

    Args:
        image: Of mode RGB.
        profile: ICC profile, as for ``to_srgb``.
        mode: RGB, L, CMYK or LAB.
    """
    transform = _transform(profile, mode, forward=False) if profile else None
    if transform is None:
        return image if mode == "RGB" else image.convert(mode)
    return _applied(transform, image)


def _applied(transform: ImageCms.ImageCmsTransform, image: Image.Image) -> Image.Image:
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # for mypy: it is not in place
    return converted


@lru_cache(maxsize=16)
def _transform(
    profile: bytes, mode: str, *, forward: bool
) -> ImageCms.ImageCmsTransform | None:
    """Build the transform of a profile; None if there is nothing to transform."""
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if own.profile.xcolor_space != _MODES.get(mode):
            return None
        srgb = ImageCms.createProfile("sRGB")
        there = ImageCms.buildTransform(own, srgb, mode, "RGB", INTENT)
        if mode == "RGB" and _is_identity(there):
            return None
        if forward:
            return there
        return ImageCms.buildTransform(srgb, own, "RGB", mode, INTENT)
    # Of a damaged profile, whatever little CMS makes of it.
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    converted = ImageCms.applyTransform(Image.fromarray(cube), transform)
    difference = np.abs(np.asarray(converted, np.int16) - cube)
    return bool(difference.max() <= _NEAR)
