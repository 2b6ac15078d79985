"""Refinement of completed faces, by what their photos show around the holes.

Synopsis::

    first, second = refined(refiner, [Unfinished(photo, hole, faces), another])

Faces of several photos go through the network together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from facefill.completion.result import CompletedFace
from facefill.imaging.degradations import Inpainting
from facefill.imaging.geometry import warp
from facefill.imaging.masks import Mask, mask_from_photo
from facefill.imaging.photos import Pixels
from facefill.models.refinement import CoarseCrop, Refiner, finer

PHOTOS_AT_ONCE = 4
"""Photos to hold in memory for the sake of the faces that are refined together."""


class Unfinished(NamedTuple):
    """A photo whose faces are completed, but not put back yet.

    Attributes:
        photo: uint8 RGB (height, width, 3); what is under the hole is not read.
        hole: bool (height, width), True = hole; None if only that of the face is
            given, by a shape.
        faces: Completed faces.
    """

    photo: Pixels
    hole: Mask | None
    faces: Sequence[CompletedFace]


def refined(
    refiner: Refiner | None, photos: Sequence[Unfinished]
) -> list[list[CompletedFace]]:
    """Refine the faces of photos, as far as they have a hole.

    Args:
        refiner: None leaves the faces as they are.
        photos: The photos.

    Returns:
        The faces of each photo.
    """
    if refiner is None:
        return [list(each.faces) for each in photos]
    finer_faces = iter(
        refiner.refine(
            [
                _coarse_crop(each, done, refiner.size)
                for each in photos
                for done in each.faces
                if _has_hole(done)
            ]
        )
    )
    return [list(_replaced(each.faces, finer_faces)) for each in photos]


def _replaced(
    faces: Sequence[CompletedFace], finer_faces: Iterator[Pixels]
) -> Iterator[CompletedFace]:
    for done in faces:
        yield replace(done, refined=next(finer_faces)) if _has_hole(done) else done


def _has_hole(done: CompletedFace) -> bool:
    return isinstance(done.face.measurement.degradation, Inpainting)


def _coarse_crop(photo: Unfinished, done: CompletedFace, size: int) -> CoarseCrop:
    face, (pixels, hole, _) = done.face, photo
    lost = face.hole((pixels.shape[0], pixels.shape[1])) if hole is None else hole
    matrix = finer(face.matrix)
    known = mask_from_photo(lost, matrix, size)
    return CoarseCrop(warp(pixels, matrix, size), done.blended, known)
