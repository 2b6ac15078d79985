"""Faces of photos in memory, found by another process while this one is at something.

Synopsis::

    with ProcessPool(FaceFinder(options, size), 1, options.timeout_s) as pool:
        [[found]] = pool.map([[(pixels, hole, hint)]])

It is ``extraction.extract`` elsewhere: dlib's models take two seconds to be read, and
TensorFlow longer to be imported, each of which would hold up the other in one process.
A photo that kills its process, or hangs, is an error of that photo.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2

from facefill.errors import FacefillError, PhotoError
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.parameters import AlignOptions
from facefill.preparation.extraction import Extraction, extract, load_models
from facefill.preparation.hole_alignment import Hint

PhotoWithHole: TypeAlias = tuple[Pixels, Mask | None, Hint | None]
"""Arguments of ``extract``: photo, hole and hint."""


@dataclass(frozen=True)
class FaceFinder:
    """Finds faces in any process; work of a ``ProcessPool``.

    Attributes:
        options: How faces are found, chosen and cropped.
        size: Side of a face in pixels.
    """

    options: AlignOptions
    size: int

    def start(self) -> None:
        """Build the models, and leave the other cores to the other processes."""
        cv2.setNumThreads(1)
        load_models(self.options)

    def __call__(self, item: PhotoWithHole) -> Extraction | FacefillError:
        """Find the faces of a photo; or the error that it met, which is its alone."""
        pixels, hole, hint = item
        try:
            return extract(pixels, self.options, self.size, hole, hint)
        except FacefillError as error:
            return error

    def failed(self, item: PhotoWithHole, reason: str) -> Extraction | FacefillError:
        """Give the error of a photo that killed its process, or took it too long."""
        height, width = item[0].shape[:2]
        return PhotoError(reason, f"in the search for faces ({width}x{height} pixels)")
