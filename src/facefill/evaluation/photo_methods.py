"""Methods that complete whole photos, to be judged in the photo.

Each takes faces of intact photos with a hole and gives the completed photos, in their
order; none is shown what the hole hides.
"""

from collections.abc import Iterable, Iterator, Sequence

from facefill.completion.faces import AlignedFace, FaceInPhoto, face_with_hole
from facefill.completion.refining import Unfinished, finished
from facefill.completion.result import completed_face
from facefill.errors import MaskError
from facefill.evaluation.hidden_faces import HiddenFace
from facefill.evaluation.methods import Baselines, Filled
from facefill.imaging.compositing import Placement, paste
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.inversion.search import LatentSearch
from facefill.parameters import AlignOptions
from facefill.preparation.extraction import extract
from facefill.runtime.algebra_threads import one_algebra_thread


def aligned_intact(faces: Iterable[HiddenFace]) -> list[list[FaceInPhoto]]:
    """Where each face is, as it was aligned before the photo was damaged."""
    return [_touched([face.aligned], face.hole(face.photo.shape)) for face in faces]


def aligned_damaged(
    faces: Iterable[HiddenFace], alignment: AlignOptions
) -> list[list[FaceInPhoto]]:
    """Where faces are found in each damaged photo by alignment itself.

    Args:
        faces: The faces.
        alignment: How faces are found.

    Returns:
        Of each photo the faces that its hole reaches: none if none is found, and in
        photos of several people now and then the face of another.
    """
    placed = []
    for face in faces:
        photo, hole = face.painted()
        found = extract(photo, alignment, len(face.kept), hole)
        aligned = [
            AlignedFace(
                f"{face.aligned.face_id}#{number}",
                each.pixels,
                each.matrix,
                each.landmarks is None,
            )
            for number, each in enumerate(found.faces)
            if each.pixels is not None and each.matrix is not None
        ]
        placed.append(_touched(aligned, hole))
    return placed


def searched(
    search: LatentSearch,
    faces: Sequence[HiddenFace],
    placed: Sequence[Sequence[FaceInPhoto]],
) -> Iterator[Pixels]:
    """Complete photos by a latent search, as ``complete`` does.

    Args:
        search: The search.
        faces: Faces of intact photos.
        placed: Where faces are to be completed in each photo, from ``aligned_intact``
            or ``aligned_damaged``. What no face reaches is filled, or left, as the
            search's options say of a hole beyond faces.
    """
    results = search.run(face.measurement for each in placed for face in each)
    unfinished = (
        Unfinished(
            *face.painted(), [completed_face(one, next(results)) for one in each]
        )
        for face, each in zip(faces, placed, strict=True)
    )
    with one_algebra_thread():
        for done in finished(search.refiner, unfinished, search.options.outside):
            yield done.photo


def by_baselines(
    baselines: Sequence[Baselines],
    faces: Sequence[HiddenFace],
    placed: Sequence[Sequence[FaceInPhoto]],
) -> Iterator[Filled]:
    """Complete the aligned face by every baseline, and put it back into the photo.

    Args:
        baselines: Those of each face.
        faces: Faces of intact photos.
        placed: Where each is, from ``aligned_intact``.

    Yields:
        The completed photos of each face, by method.
    """
    for own, face, (in_photo,) in zip(baselines, faces, placed, strict=True):
        photo, hole = face.painted()
        known = in_photo.measurement
        placement = Placement(photo, in_photo.matrix, hole)
        yield {
            name: paste(known.degradation, placement, filled, in_photo.kept)
            for name, filled in own.fill(known).items()
        }


def _touched(faces: Sequence[AlignedFace], hole: Mask) -> list[FaceInPhoto]:
    try:
        touched = [face_with_hole(face, hole) for face in faces]
    except MaskError:
        return []
    return [face for face in touched if face is not None]
