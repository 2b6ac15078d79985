"""The affine map from a photo to an aligned face, as OpenFace makes it.

Three landmarks are taken to fixed places of a square crop. The places are those
of OpenFace's mean face, stretched per axis so that the 68 points of it span the
unit square (``MINMAX_TEMPLATE`` of ``openface/align_dlib.py``). Three points
determine the map, so it may shear; that is the reference's behaviour.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

LandmarkSet: TypeAlias = Literal["innerEyesAndBottomLip", "outerEyesAndNose"]

NUM_LANDMARKS = 68
LANDMARK_INDICES: dict[str, list[int]] = {
    "innerEyesAndBottomLip": [39, 42, 57],
    "outerEyesAndNose": [36, 45, 33],
}
# Points of OpenFace's TEMPLATE, and the extremes of all its 68. They are float32
# there, and the arithmetic below is too: results are equal to the last bit.
_TEMPLATE = {
    33: (0.520712933176, 0.634268222208),
    36: (0.252418718401, 0.331052263829),
    39: (0.403718978315, 0.33867711083),
    42: (0.631326076346, 0.334136672344),
    45: (0.782865376271, 0.321305281656),
    57: (0.525398405766, 0.841706377792),
}
_TEMPLATE_MIN = np.array((0.0792396913815, 0.182360984545), np.float32)
_TEMPLATE_MAX = np.array((0.971193274221, 1.06080371126), np.float32)


def target_points(landmark_set: LandmarkSet, size: int) -> NDArray[np.float32]:
    """Give the places in the crop of a set's three landmarks.

    Returns:
        float32 of shape (3, 2): x and y in pixels of a ``size`` x ``size`` crop.
    """
    chosen = [_TEMPLATE[index] for index in LANDMARK_INDICES[landmark_set]]
    points = np.array(chosen, np.float32)
    unit = (points - _TEMPLATE_MIN) / (_TEMPLATE_MAX - _TEMPLATE_MIN)
    return np.asarray(size * unit, np.float32)


def affine(
    landmarks: NDArray[Any] | Sequence[Sequence[float]],
    landmark_set: LandmarkSet,
    size: int,
) -> NDArray[np.float64]:
    """Map a photo's pixels to those of its aligned face.

    Args:
        landmarks: The 68 points of dlib's model, shape (68, 2), x and y in pixels
            of the photo.
        landmark_set: Which three of them go to fixed places.
        size: Side of the crop in pixels.

    Returns:
        float64 of shape (2, 3): ``matrix @ (x, y, 1)`` is a place in the crop.

    Raises:
        ValueError: If the landmarks have another shape.
    """
    points = np.asarray(landmarks, np.float32)
    if points.shape != (NUM_LANDMARKS, 2):
        raise ValueError(f"landmarks of shape {points.shape}, not (68, 2)")
    chosen = np.ascontiguousarray(points[LANDMARK_INDICES[landmark_set]])
    matrix = cv2.getAffineTransform(chosen, target_points(landmark_set, size))
    return np.asarray(matrix, np.float64)


def warp(
    photo: NDArray[np.uint8], matrix: NDArray[np.float64], size: int
) -> NDArray[np.uint8]:
    """Cut the aligned face out of a photo.

    Bilinear without a filter before it, black outside the photo, as in OpenFace:
    a face much larger than the crop is sampled, not averaged.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        matrix: From ``affine``.
        size: Side of the crop in pixels.

    Returns:
        uint8 RGB of shape (size, size, 3).
    """
    face = cv2.warpAffine(
        photo,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return np.asarray(face, np.uint8)
