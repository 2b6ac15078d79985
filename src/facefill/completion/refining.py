"""Refinement of completed faces, by what their photos show around the holes.

Synopsis::

    first, second = refined(refiner, [Unfinished(photo, hole, faces), another])
    for completion in finished(refiner, photos, "inpaint"):
        ...

Faces of several photos go through the network together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from facefill.completion.result import CompletedFace, Completion, compose
from facefill.imaging.degradations import Inpainting
from facefill.imaging.geometry import warp
from facefill.imaging.masks import Mask, mask_from_photo
from facefill.imaging.photo_files import PhotoFile
from facefill.imaging.photos import Pixels
from facefill.models.refinement import CoarseCrop, Refiner, finer
from facefill.models.refiner import FACTOR
from facefill.parameters.choices import Outside
from facefill.runtime.batching import groups
from facefill.runtime.overlapping import overlapped

PHOTOS_AT_ONCE = 4
"""Photos whose faces are refined together. As many before them are held in memory,
which are put together meanwhile."""


class Unfinished(NamedTuple):
    """A photo whose faces are completed, but not put back yet.

    Attributes:
        photo: uint8 RGB (height, width, 3); what is under the hole is not read.
        hole: bool (height, width), True = hole; None if only that of the face is
            given, by a shape.
        faces: Completed faces.
        original: File of the photo, if it is of one.
    """

    photo: Pixels
    hole: Mask | None
    faces: Sequence[CompletedFace]
    original: PhotoFile | None = None


def finished(
    refiner: Refiner | None, photos: Iterable[Unfinished], outside: Outside
) -> Iterator[Completion]:
    """Refine the faces of photos, and put them back, beside the next ones' refinement.

    Args:
        refiner: None leaves the faces as they are.
        photos: The photos.
        outside: What becomes of a hole beyond the faces.

    Returns:
        The completions, in the order of the photos.
    """

    def put_together(ready: tuple[Unfinished, Sequence[CompletedFace]]) -> Completion:
        (photo, hole, _, original), faces = ready
        return compose(photo, hole, faces, outside, original)

    return overlapped(put_together, _refined_each(refiner, photos), PHOTOS_AT_ONCE)


def _refined_each(
    refiner: Refiner | None, photos: Iterable[Unfinished]
) -> Iterator[tuple[Unfinished, Sequence[CompletedFace]]]:
    for group in groups(photos, PHOTOS_AT_ONCE):
        yield from zip(group, refined(refiner, group), strict=True)


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
    pictures = iter(
        refiner.refine(
            [
                _coarse_crop(each, done)
                for each in photos
                for done in each.faces
                if _has_hole(done)
            ]
        )
    )

    def finish(done: CompletedFace) -> CompletedFace:
        if not _has_hole(done):
            return done
        return replace(done, refined=next(pictures), is_mean=refiner.gives_mean)

    return [[finish(done) for done in each.faces] for each in photos]


def _has_hole(done: CompletedFace) -> bool:
    return isinstance(done.face.measurement.degradation, Inpainting)


def _coarse_crop(photo: Unfinished, done: CompletedFace) -> CoarseCrop:
    size = FACTOR * len(done.blended)
    shape, matrix = photo.photo.shape, finer(done.face.matrix)
    hole = done.face.hole((shape[0], shape[1])) if photo.hole is None else photo.hole
    known = mask_from_photo(hole, matrix, size)
    return CoarseCrop(warp(photo.photo, matrix, size), done.blended, known)
