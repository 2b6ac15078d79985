"""Result of a completion: the pictures of each face, and the photo made whole."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from facefill.completion.face_outlines import outlines
from facefill.completion.faces import FaceInPhoto, nearest_faces
from facefill.completion.heads import fill_beside_heads
from facefill.completion.mirrored_faces import with_mirrored_detail
from facefill.completion.surroundings import fill_surroundings, keep_tone
from facefill.errors import PhotoError
from facefill.imaging.compositing import (
    Placement,
    blend,
    complete,
    paste,
)
from facefill.imaging.degradations import Decolorization
from facefill.imaging.grain import with_grain
from facefill.imaging.masks import Mask
from facefill.imaging.photo_files import PhotoFile, format_of
from facefill.imaging.photos import Pixels
from facefill.inversion.candidates import Candidate
from facefill.parameters.choices import Outside
from facefill.runtime.files import write_bytes

_JPEG_QUALITY = 95

_FACE = 1.1
"""Side of a face, from which nothing is to be copied, in sides of its crop. Forehead
and hair are copied from: else a hole above the eyes is filled with background."""

_FADE = 3.0
"""Width of the band in which a face fades into what is inpainted, in face pixels."""


@dataclass(frozen=True)
class CompletedFace:
    """Pictures of a completed face, uint8 RGB (S, S, 3) each.

    Attributes:
        face: The face.
        known: Aligned face with its hole in grey.
        generated: G(z) of the latent that fits best.
        completed: Known pixels, and generated ones in the hole.
        blended: The same after Poisson blending.
        candidates: All results of the search, best first.
        alternatives: ``blended`` of each candidate.
        refined: ``blended`` at twice its resolution and as sharp as its photo, uint8
            RGB (2 S, 2 S, 3); None if it is not refined.
        is_mean: Whether ``refined`` is instead the mean of what is likely: soft, and
            nearer to the truth without the photo's grain.
    """

    face: FaceInPhoto
    known: Pixels
    generated: Pixels
    completed: Pixels
    blended: Pixels
    candidates: tuple[Candidate, ...]
    alternatives: tuple[Pixels, ...]
    refined: Pixels | None = None
    is_mean: bool = False

    @property
    def keeps_tone(self) -> bool:
        """Whether the photo's tone, such as grey, is to be that of the face."""
        return not isinstance(self.face.measurement.degradation, Decolorization)

    def by_candidate(self, number: int) -> "CompletedFace":
        """The face completed by another of its candidates, not refined.

        Args:
            number: Of the candidate, from 0; those before it are left out.
        """
        known, rest = self.face.measurement, self.candidates[number:]
        fitted = rest[0].fitted
        return replace(
            self,
            generated=rest[0].generated,
            completed=complete(known.degradation, known.face, fitted, known.mask),
            blended=self.alternatives[number],
            candidates=rest,
            alternatives=self.alternatives[number:],
            refined=None,
            is_mean=False,
        )


@dataclass(frozen=True)
class Completion:
    """A completed photo.

    Attributes:
        photo: The photo with its hole filled, uint8 RGB (height, width, 3).
        hole: What was filled, bool (height, width), True = filled.
        faces: Faces that were completed in it, the largest first; none if the hole
            touches none.
        by_face: Share of the hole that faces filled.
        by_inpainting: Share of the hole that was inpainted.
        original: File of the photo, into whose format the result can be put back.
        variants: The photo with each candidate, itself first; empty if only one was
            composed.
    """

    photo: Pixels
    hole: Mask
    faces: tuple[CompletedFace, ...]
    by_face: float
    by_inpainting: float
    original: PhotoFile | None = field(default=None, repr=False)
    variants: tuple["Completion", ...] = field(default=(), repr=False)

    @property
    def left(self) -> float:
        """Share of the hole that is as it was."""
        return max(0.0, round(1.0 - self.by_face - self.by_inpainting, 9))

    @property
    def summary(self) -> str:
        """What was done, in half a line: faces, and what filled how much."""
        faces = {0: "no face in the hole", 1: "1 face"}.get(
            len(self.faces), f"{len(self.faces)} faces"
        )
        return (
            f"{faces}, {100 * self.hole.mean():.1f} % of the photo filled "
            f"({100 * self.by_face:.0f} % of that by the face, "
            f"{100 * self.by_inpainting:.0f} % inpainted)"
        )

    @property
    def known(self) -> Pixels:
        """First face with its hole in grey, uint8 RGB (S, S, 3)."""
        return self._first.known

    @property
    def generated(self) -> Pixels:
        """G(z) of the latent that fits best, uint8 RGB (S, S, 3), of the first face."""
        return self._first.generated

    @property
    def completed(self) -> Pixels:
        """Known and generated pixels, uint8 RGB (S, S, 3), of the first face."""
        return self._first.completed

    @property
    def blended(self) -> Pixels:
        """The same after Poisson blending, uint8 RGB (S, S, 3), of the first face."""
        return self._first.blended

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All results of the search, best first, of the first face."""
        return self._first.candidates

    @property
    def alternatives(self) -> tuple[Pixels, ...]:
        """Blended faces of all candidates, uint8 RGB (S, S, 3), of the first face."""
        return self._first.alternatives

    @property
    def loss(self) -> float:
        """Loss of the best candidate: contextual + lam * perceptual."""
        return self.candidates[0].loss

    @property
    def _first(self) -> CompletedFace:
        if not self.faces:
            raise PhotoError("no_face", "the hole touches no face, and was inpainted")
        return self.faces[0]

    def save(self, path: str | Path) -> None:
        """Write the photo, in the format that the name's ending says.

        In the format of the photo's own file, depth, colour profile, metadata and
        every pixel outside of the hole are those of that file.

        Raises:
            PhotoError: ``unsupported``, if the name has no ending of a picture's.
        """
        kind = format_of(path)
        if self.original is not None and self.original.format == kind:
            content = self.original.filled(self.photo, self.hole)
        else:
            stream = io.BytesIO()
            options = {"quality": _JPEG_QUALITY} if kind in ("JPEG", "WEBP") else {}
            Image.fromarray(self.photo).save(stream, format=kind, **options)
            content = stream.getvalue()
        write_bytes(Path(path), content)


def completed_face(face: FaceInPhoto, candidates: Sequence[Candidate]) -> CompletedFace:
    """Blend the results of the search for a face.

    Args:
        face: The face.
        candidates: Results of the search, best first.
    """
    known = face.measurement
    pixels, mask, lost = known.face, known.mask, known.degradation
    blended = tuple(blend(lost, pixels, each.fitted, mask) for each in candidates)
    return CompletedFace(
        face=face,
        known=lost.show(pixels, mask),
        generated=candidates[0].generated,
        completed=complete(lost, pixels, candidates[0].fitted, mask),
        blended=blended[0],
        candidates=tuple(candidates),
        alternatives=blended,
    )


def compose(
    photo: Pixels,
    hole: Mask | None,
    faces: Sequence[CompletedFace],
    outside: Outside,
    original: PhotoFile | None = None,
) -> Completion:
    """Put completed faces back into their photo, and fill the rest of its hole.

    Args:
        photo: uint8 RGB (height, width, 3).
        hole: Hole of the photo, bool (height, width), True = hole; None if only that
            of the face is given, by a shape.
        faces: Completed faces, the largest first; with a hole there may be none.
        outside: What becomes of the hole beyond the faces.
        original: File of the photo.
    """
    whole, filled, crops = _with_faces(photo, hole, faces)
    if hole is None:
        whole = _with_mirrored(whole, filled, filled, faces)
        if all(done.keeps_tone for done in faces):
            whole = keep_tone(whole, filled, filled)
        return Completion(whole, filled, tuple(faces), 1.0, 0.0, original)
    by_face, by_inpainting = float(filled.sum() / max(hole.sum(), 1)), 0.0
    if outside == "inpaint":
        # What lies beside a jaw is the photo's to continue.
        within = outlines(whole, ~hole | filled, [done.face for done in faces])
        filled, crops = filled & within, crops & within
        fade = max((round(_FADE * done.face.enlargement) for done in faces), default=0)
        fill = partial(fill_beside_heads, [done.face for done in faces])
        whole, by_face, by_inpainting = fill_surroundings(
            whole, hole, filled, crops, fade, fill
        )
        filled = hole
    whole = keep_tone(_with_mirrored(whole, hole, filled, faces), hole, filled)
    return Completion(whole, filled, tuple(faces), by_face, by_inpainting, original)


def _with_faces(
    photo: Pixels, hole: Mask | None, faces: Sequence[CompletedFace]
) -> tuple[Pixels, Mask, Mask]:
    """Put faces into their photo; what of it they fill, and where the faces are."""
    shape = photo.shape[0], photo.shape[1]
    whole, filled = photo, np.zeros(shape, np.bool_)
    crops = np.zeros(shape, np.bool_)
    shared = hole is not None and len(faces) > 1
    nearest = nearest_faces([done.face for done in faces], shape) if shared else None
    for number, done in enumerate(faces):
        face = done.face
        pasted = _put_back(whole, hole, done)
        # Of the hole no face reads a pixel, be it filled by another.
        own = True if nearest is None else (nearest == number)[..., None]
        whole = np.where(own, pasted, whole)
        crop = face.crop(shape)
        crops |= face.crop(shape, _FACE)
        filled |= face.hole(shape) if hole is None else hole & crop
    return whole, filled, crops


def _with_mirrored(
    photo: Pixels, hole: Mask, filled: Mask, faces: Sequence[CompletedFace]
) -> Pixels:
    """Photo whose refined faces have the detail of their other halves."""
    shape = photo.shape[0], photo.shape[1]
    placed = [done.face for done in faces]
    nearest = nearest_faces(placed, shape) if len(faces) > 1 else 0
    for number, done in enumerate(faces):
        if done.refined is not None and not done.is_mean:
            own = filled & (nearest == number)
            photo = with_mirrored_detail(photo, hole, own, done.face)
    return photo


def _put_back(photo: Pixels, hole: Mask | None, done: CompletedFace) -> Pixels:
    """Photo with one face put back, with the photo's grain if it is a picture."""
    face, degradation = done.face, done.face.measurement.degradation
    placement = Placement(photo, face.matrix, hole)
    if done.refined is None:
        return paste(degradation, placement, done.blended, face.kept)
    shape = photo.shape[0], photo.shape[1]
    lost = face.hole(shape) if hole is None else hole
    whole = paste(degradation, placement, done.refined, face.kept)
    if done.is_mean:
        return whole
    crop = face.crop(shape)
    return with_grain(whole, lost & crop, crop & ~lost)
