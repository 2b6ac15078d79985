"""Holes of photos: from mask files, from their own transparency, or by their colour."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facefill.errors import MaskError
from facefill.imaging.mask_files import IF_INVERTED, grown, read_hole
from facefill.imaging.masks import WHITE, Mask
from facefill.imaging.photo_files import is_lossy
from facefill.imaging.photos import Pixels, decode_with_alpha
from facefill.parameters import CompleteOptions, IngestOptions
from facefill.parameters.choices import HoleSource, MaskPolarity

LOSSY_GROW = 2
"""Pixels by which the hole of a JPEG or a lossy WebP is grown.

So far the paint's colour runs where chroma has half the photo's resolution. Farther out
there is faint noise up to the end of a block, and what lies between two strokes tells
more of a face than it hides.
"""

_NEAR = 24
"""Grey levels by which JPEG may have changed the colour of a hole, in each channel."""

_LEAST_SHARE = 0.001
"""Share of a photo that one colour has to cover to be taken for its hole."""


@dataclass(frozen=True)
class HoleReader:
    """Finds the hole of a photo; an object that any process can be sent.

    Attributes:
        source: Where the hole is given.
        polarity: Meaning of white pixels in mask files.
        grow: Pixels by which a hole is grown; None is 0, and for a photo whose
            format smears what is painted into its surroundings ``LOSSY_GROW``, or twice
            that if its hole is found by its colour.
        max_pixels: Largest mask file, in pixels.
        max_bytes: Largest mask file, in bytes.
    """

    source: HoleSource
    polarity: MaskPolarity
    grow: int | None
    max_pixels: int
    max_bytes: int

    def read(self, photo: Pixels, content: bytes, mask: Path | None) -> Mask | None:
        """Read the hole of a photo.

        Args:
            photo: uint8 RGB (height, width, 3).
            content: The file that it was decoded from; empty if there is none.
            mask: Its mask file, if ``source`` is ``files`` and it has one.

        Returns:
            bool (height, width), True = hole; None if nothing gives a hole.

        Raises:
            MaskError: If what gives the hole cannot be used.
        """
        match self.source:
            case "files":
                if mask is None:
                    return None
                shape = photo.shape[0], photo.shape[1]
                hole = read_hole(
                    mask, shape, self.polarity, self.max_pixels, self.max_bytes
                )
            case "alpha":
                hole = _transparent(content, self.max_pixels)
            case "colour":
                hole = flat_colour(photo, _NEAR if is_lossy(content) else 0)
        return self.grown(hole, content)

    def grown(self, hole: Mask, content: bytes) -> Mask:
        """Grow a hole as far as the format of the photo's file asks for.

        Args:
            hole: bool (height, width), True = hole.
            content: The file; empty if there is none.

        Raises:
            MaskError: If it is all of the photo.
        """
        hole = grown(hole, self._growth(content) if self.grow is None else self.grow)
        if hole.all():
            raise MaskError(
                "the mask hides the whole photo, so nothing is left to complete it "
                f"from; {IF_INVERTED}"
            )
        return hole

    def _growth(self, content: bytes) -> int:
        if not is_lossy(content):
            return 0
        # Found by its colour, a hole lacks the rim where the colour has changed.
        return 2 * LOSSY_GROW if self.source == "colour" else LOSSY_GROW


def hole_reader(options: CompleteOptions, limits: IngestOptions) -> HoleReader:
    """Make what reads the holes of photos by the parameters."""
    return HoleReader(
        source=options.hole_from,
        polarity=options.mask_files,
        grow=options.mask_grow,
        max_pixels=limits.max_pixels,
        max_bytes=limits.max_bytes,
    )


def _transparent(content: bytes, max_pixels: int) -> Mask:
    _, alpha = decode_with_alpha(content, max_pixels) if content else (None, None)
    if alpha is None or alpha.min() >= WHITE:
        raise MaskError(
            "the photo has no transparent pixel, but complete.hole_from is alpha; save "
            "it with transparency, such as PNG, or give a mask file"
        )
    return np.asarray(alpha < WHITE)


def flat_colour(photo: Pixels, tolerance: int = 0) -> Mask:
    """Find the part of a photo that is painted over in one colour.

    The most frequent colour is taken, and of the pixels near to it those that are
    connected with pixels that have it exactly.

    Args:
        photo: uint8 RGB (height, width, 3).
        tolerance: Grey levels by which a channel of a near colour may differ.

    Returns:
        bool (height, width), True = painted.

    Raises:
        MaskError: If no colour is that frequent.
    """
    numbers = photo.astype(np.int64) @ (65536, 256, 1)
    colours, counts = np.unique(numbers, return_counts=True)
    if counts.max() < _LEAST_SHARE * numbers.size:
        raise MaskError(
            "no colour covers a thousandth of the photo, so none is painted over it, "
            "but complete.hole_from is colour; give a mask file"
        )
    colour = colours[counts.argmax()]
    wanted = np.array([colour >> 16, colour >> 8 & 255, colour & 255])
    near = np.abs(photo.astype(np.int16) - wanted).max(axis=-1) <= tolerance
    _, labels = cv2.connectedComponents(near.astype(np.uint8), connectivity=8)
    exact = np.unique(labels[numbers == colour])
    return np.asarray(np.isin(labels, exact) & near)
