"""A photo's pixels to its aligned faces: found, chosen, judged and cut out.

Which of several faces are taken, and what makes a crop unusable, is decided here;
nothing here knows of files.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facefill import alignment, detection
from facefill.detection import Box
from facefill.parameters import AlignOptions


@dataclass(frozen=True)
class Face:
    """One face of a photo, or why it is none.

    Attributes:
        reason: Why it is rejected; empty if it is not.
        box: Where the detector saw it.
        landmarks: int64 (68, 2), x and y in pixels of the photo.
        matrix: float64 (2, 3), from photo to crop; None if there is no such map.
        pixels: uint8 RGB (size, size, 3); None if it is rejected.
    """

    reason: str
    box: Box
    landmarks: NDArray[np.int64]
    matrix: NDArray[np.float64] | None
    pixels: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Extraction:
    """What a photo shows.

    Attributes:
        num_faces: Faces that the detector saw.
        reason: Why none of them is taken; empty if any is.
        faces: Those taken, the largest first.
    """

    num_faces: int
    reason: str
    faces: list[Face]


def extract(photo: NDArray[np.uint8], options: AlignOptions, size: int) -> Extraction:
    """Find the faces of a photo and cut them out.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        options: How faces are found, chosen and cropped.
        size: Side of a face in pixels.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    boxes = detection.find_faces(photo, options.upsample)
    if not boxes:
        return Extraction(0, "no_face", [])
    if options.multiple_faces == "skip" and len(boxes) > 1:
        return Extraction(len(boxes), "several_faces", [])
    ordered = detection.by_size(boxes)
    chosen = ordered if options.multiple_faces == "all" else ordered[:1]
    faces = [_face(photo, box, options, size) for box in chosen]
    return Extraction(len(boxes), "", faces)


def _face(photo: NDArray[np.uint8], box: Box, options: AlignOptions, size: int) -> Face:
    landmarks = detection.find_landmarks(photo, box, options.landmark_model)
    matrix = alignment.affine(landmarks, options.landmarks, size)
    # Three landmarks on one line determine no map.
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:, :2])) < 1e-9:
        return Face("degenerate", box, landmarks, None, None)
    pixels = alignment.warp(photo, matrix, size)
    return Face("", box, landmarks, matrix, pixels)
