"""Faces to complete: what is known of each, and where it is in its photo."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facefill.errors import MaskError, PhotoError
from facefill.imaging.compositing import warped_hole
from facefill.imaging.degradations import Inpainting
from facefill.imaging.mask_files import IF_INVERTED, face_mask
from facefill.imaging.masks import Mask, mask_within_photo
from facefill.imaging.photos import Pixels
from facefill.imaging.tasks import Task
from facefill.inversion.measurement import Measurement
from facefill.parameters.choices import Outside


@dataclass(frozen=True)
class AlignedFace:
    """A face as alignment leaves it.

    Attributes:
        face_id: Names it, and keys the random numbers of its search.
        pixels: uint8 RGB (S, S, 3).
        matrix: Affine map from photo to face, float64 (2, 3).
        is_square: Whether it is the square in the middle of the photo, in which no
            landmarks were looked for.
    """

    face_id: str
    pixels: Pixels
    matrix: NDArray[np.float64]
    is_square: bool

    def within(self, shape: tuple[int, int]) -> Mask:
        """Pixels of the face that lie within a photo of a shape, bool (S, S)."""
        size = len(self.pixels)
        if self.is_square:
            return np.ones((size, size), np.bool_)
        return mask_within_photo(shape, self.matrix, size)


@dataclass(frozen=True)
class FaceInPhoto:
    """A face to complete, and where it is in its photo.

    Attributes:
        measurement: What is known of the face; its key is the id of the face.
        matrix: Affine map from photo to face, float64 (2, 3).
        kept: Pixels of the face whose part of the photo stays as it is, bool (S, S).
            Those at the photo's edge are among them, though they are not known.
    """

    measurement: Measurement
    matrix: NDArray[np.float64]
    kept: Mask

    @property
    def face_id(self) -> str:
        """Name of the face."""
        return self.measurement.key

    @property
    def to_square(self) -> NDArray[np.float64]:
        """Map from the photo to the crop as the unit square, float64 (2, 3)."""
        size = len(self.measurement.mask)
        square = self.matrix / size
        square[:, 2] += 0.5 / size
        return np.asarray(square, np.float64)

    @property
    def enlargement(self) -> float:
        """Pixels of the photo for each pixel of the face, along a side."""
        return float(abs(np.linalg.det(self.matrix[:, :2])) ** -0.5)

    def crop(self, shape: tuple[int, int], scale: float = 1.0) -> Mask:
        """Pixels of the photo in the face's crop, bool (height, width).

        Args:
            shape: Height and width of the photo.
            scale: Side of what is taken about the middle of the crop, in its sides.
        """
        size = len(self.measurement.mask)
        matrix = self.matrix / scale
        matrix[:, 2] += (1.0 - 1.0 / scale) * (size - 1) / 2.0
        return warped_hole(np.zeros((size, size), np.bool_), matrix, shape)

    def distances(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """How far pixels of the photo are from the middle of the face's crop.

        Args:
            shape: Height and width of the photo.

        Returns:
            float32 (height, width), the longer of both directions of the crop, in its
            sides: below 0.5 within the crop.
        """
        size = len(self.measurement.mask)
        rows, columns = (np.arange(side, dtype=np.float32) for side in shape)
        matrix = self.matrix.astype(np.float32)
        across, down = (
            (x * columns + (y * rows[:, None] + shift)) - np.float32((size - 1) / 2)
            for x, y, shift in matrix
        )
        return np.asarray(np.maximum(np.abs(across), np.abs(down)) / size, np.float32)

    def hole(self, shape: tuple[int, int]) -> Mask:
        """Pixels of the photo in the hole of the face, bool (height, width)."""
        return warped_hole(self.kept, self.matrix, shape)


def face_with_hole(face: AlignedFace, hole: Mask) -> FaceInPhoto | None:
    """Face of a photo that has a hole; None if the hole does not touch it.

    Args:
        face: The aligned face; what is under the hole is not read.
        hole: Hole of the photo, bool (height, width), True = hole.

    Raises:
        MaskError: If the face is hidden as a whole.
    """
    matrix = None if face.is_square else face.matrix
    known = face_mask(hole, matrix, len(face.pixels))
    measurement = Measurement(face.face_id, face.pixels, known, Inpainting())
    placed = FaceInPhoto(measurement, face.matrix, known)
    # A hole just outside the crop hides pixels at the face's edge, and needs no face.
    if not (hole & placed.crop((hole.shape[0], hole.shape[1]))).any():
        return None
    if not known.any():
        raise MaskError(
            f"the mask of {face.face_id} hides the whole face, so nothing is left to "
            f"complete it from; {IF_INVERTED}"
        )
    return placed


def face_with_task(
    face: AlignedFace, task: Task, shape: tuple[int, int]
) -> FaceInPhoto:
    """Face of which a shape hides a part, or that is otherwise degraded as a whole.

    Args:
        face: The aligned face.
        task: Mask and degradation.
        shape: Height and width of the photo, beyond which nothing is known.
    """
    known = task.mask & face.within(shape)
    measurement = Measurement(face.face_id, face.pixels, known, task.degradation)
    return FaceInPhoto(measurement, face.matrix, task.mask)


def nearest_faces(
    faces: Sequence[FaceInPhoto], shape: tuple[int, int]
) -> NDArray[np.intp]:
    """Number of the face that each pixel of a photo belongs to, where crops overlap.

    It is the face that the pixel is nearest to, measured by the face's own size; of
    equals the first.

    Args:
        faces: At least one.
        shape: Height and width of the photo.

    Returns:
        Numbers from 0, (height, width).
    """
    nearest = faces[0].distances(shape)
    numbers = np.zeros(shape, np.intp)
    for number, face in enumerate(faces[1:], start=1):
        distances = face.distances(shape)
        numbers[distances < nearest] = number
        nearest = np.minimum(nearest, distances)
    return numbers


def require_filler(faces: Sequence[FaceInPhoto], reason: str, outside: Outside) -> None:
    """Refuse a hole of a photo that nothing would fill.

    Args:
        faces: Faces that the hole touches.
        reason: Why the photo has no face; empty if it has one.
        outside: What becomes of the hole beyond the faces.

    Raises:
        PhotoError: With that reason, if the photo has no face.
        MaskError: If the hole is beside all of its faces.
    """
    if faces or outside == "inpaint":
        return
    cure = "with complete.outside: inpaint the hole would be inpainted"
    if reason:
        raise PhotoError(reason, cure)
    raise MaskError(f"the mask hides nothing of a face; {cure}")
