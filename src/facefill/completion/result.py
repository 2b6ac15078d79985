"""Result of one completion: the pictures of a face, and the photo with it put back."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from facefill.errors import PhotoError
from facefill.imaging.compositing import Placement, blend, complete, paste
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.inversion.candidates import Candidate
from facefill.inversion.measurement import Measurement
from facefill.runtime.files import write_bytes

_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Completion:
    """A completed photo, and how it came about.

    Attributes:
        photo: The photo with its hole filled, uint8 RGB (height, width, 3).
        known: Aligned face with its hole in grey, uint8 RGB (S, S, 3).
        generated: G(z) of the latent that fits best, uint8 RGB (S, S, 3).
        completed: Known pixels, and generated ones in the hole, uint8 RGB (S, S, 3).
        blended: The same after Poisson blending, uint8 RGB (S, S, 3).
        candidates: All results of the search, best first.
        alternatives: ``blended`` of each candidate, uint8 RGB (S, S, 3).
    """

    photo: Pixels
    known: Pixels
    generated: Pixels
    completed: Pixels
    blended: Pixels
    candidates: tuple[Candidate, ...]
    alternatives: tuple[Pixels, ...]

    @property
    def loss(self) -> float:
        """Loss of the best candidate: contextual + lam * perceptual."""
        return self.candidates[0].loss

    def save(self, path: str | Path) -> None:
        """Write the photo, in the format that the name's ending says.

        Raises:
            PhotoError: ``unsupported``, if it says none.
        """
        kinds = Image.registered_extensions()
        kind = kinds.get(Path(path).suffix.lower())
        if kind is None:
            raise PhotoError("unsupported", f"{path} has no ending of a picture's")
        stream = io.BytesIO()
        options = {"quality": _JPEG_QUALITY} if kind in ("JPEG", "WEBP") else {}
        Image.fromarray(self.photo).save(stream, format=kind, **options)
        write_bytes(Path(path), stream.getvalue())


@dataclass(frozen=True)
class FaceInPhoto:
    """A face to complete, and where it is in its photo.

    Attributes:
        measurement: What is known of the face.
        matrix: Affine map from photo to face, float64 (2, 3).
        hole: Hole of the photo, bool (height, width), True = hole; None if only that
            of the face is given.
    """

    measurement: Measurement
    matrix: np.ndarray
    hole: Mask | None


def compose(
    photo: Pixels, face: FaceInPhoto, candidates: Sequence[Candidate]
) -> Completion:
    """Blend the results of a search, and put the best back into its photo.

    Args:
        photo: uint8 RGB (height, width, 3).
        face: Face that was searched for.
        candidates: Results of the search, best first.
    """
    known = face.measurement
    pixels, mask, lost = known.face, known.mask, known.degradation
    blended = tuple(blend(lost, pixels, each.fitted, mask) for each in candidates)
    return Completion(
        photo=paste(lost, Placement(photo, face.matrix, face.hole), blended[0], mask),
        known=lost.show(pixels, mask),
        generated=candidates[0].generated,
        completed=complete(lost, pixels, candidates[0].fitted, mask),
        blended=blended[0],
        candidates=tuple(candidates),
        alternatives=blended,
    )
