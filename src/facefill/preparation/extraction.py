"""Face extraction: a photo's pixels to aligned, checked crops.

Which of several faces are taken, and what makes a crop unusable, is decided here;
nothing here knows of files. Photos of other things than faces, or that are crops
already, are cut without a search.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facefill.imaging import geometry
from facefill.parameters import AlignOptions
from facefill.preparation import detection, quality
from facefill.preparation.detection import Box, LandmarkModel


@dataclass(frozen=True)
class Face:
    """One face of a photo, or why it is none.

    Attributes:
        reason: Why it is rejected; empty if it is not.
        box: Where the detector saw it; None if none was asked.
        landmarks: int64 (68, 2) or (5, 2), x and y in pixels of the photo; None if
            none were looked for.
        matrix: float64 (2, 3), from photo to crop; None if there is no such map.
        pixels: uint8 RGB (size, size, 3); None if it is rejected.
    """

    reason: str
    box: Box | None
    landmarks: NDArray[np.int64] | None
    matrix: NDArray[np.float64] | None
    pixels: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Extraction:
    """Faces of a photo.

    Attributes:
        num_faces: Faces that the detector saw; 0 if it was not asked.
        reason: Why none of them is taken; empty if any is.
        faces: Those taken, the largest first.
    """

    num_faces: int
    reason: str
    faces: list[Face]


def extract(photo: NDArray[np.uint8], options: AlignOptions, size: int) -> Extraction:
    """Cut what is to be trained on or completed out of a photo.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        options: How faces are found, chosen and cropped.
        size: Side of a face in pixels.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    if options.method != "openface":
        return _extract_square(photo, options, size)
    boxes = _find_faces(photo, options)
    if not boxes:
        return Extraction(0, "no_face", [])
    if options.multiple_faces == "skip" and len(boxes) > 1:
        return Extraction(len(boxes), "several_faces", [])
    ordered = detection.by_size(boxes)
    chosen = ordered if options.multiple_faces == "all" else ordered[:1]
    faces = [_face(photo, box, options, size) for box in chosen]
    return Extraction(len(boxes), "", faces)


def load_models(options: AlignOptions) -> None:
    """Build what ``extract`` needs now, rather than at the first photo.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    if options.method == "openface":
        detection.load(landmark_model(options))


def landmark_model(options: AlignOptions) -> LandmarkModel:
    """Choose the model that places the landmarks that are aligned by."""
    num_landmarks = geometry.NUM_LANDMARKS[options.landmarks]
    return LandmarkModel(options.landmark_model, num_landmarks)


def _extract_square(
    photo: NDArray[np.uint8], options: AlignOptions, size: int
) -> Extraction:
    height, width = photo.shape[:2]
    if options.method == "none" and height != width:
        return Extraction(0, "not_square", [])
    pixels, matrix = geometry.square_crop(photo, size)
    return Extraction(0, "", [Face("", None, None, matrix, pixels)])


def _find_faces(photo: NDArray[np.uint8], options: AlignOptions) -> list[Box]:
    if options.detector == "exact":
        return detection.find_faces(photo, options.upsample)
    every = options.multiple_faces != "largest"
    return detection.find_faces_fast(photo, options.upsample, every=every)


def _face(photo: NDArray[np.uint8], box: Box, options: AlignOptions, size: int) -> Face:
    landmarks = detection.find_landmarks(photo, box, landmark_model(options))
    matrix = geometry.affine(landmarks, options.landmarks, size)
    if quality.is_singular(matrix):
        return Face("degenerate", box, landmarks, None, None)
    corners = geometry.eye_corners(landmarks, options.landmarks)
    height, width = photo.shape[:2]
    if reason := quality.fault(corners, matrix, (height, width), size, options):
        return Face(reason, box, landmarks, matrix, None)
    pixels = geometry.warp(photo, matrix, size)
    return Face("", box, landmarks, matrix, pixels)
