"""Outlines of completed faces: from the jaw to beyond the forehead.

The crop of a face is a square, and what a generator draws of it beside the jaw is a
background of its own. Where a hole reaches there, what is known around the head is the
better guide.
"""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.completion.faces import FaceInPhoto
from facefill.imaging.geometry import of_window
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels
from facefill.preparation import landmark_network

_GROWN = 1.0
"""Pixels of the face that the outline lies beyond the jaw: there its edge is soft."""
_MARGIN = 0.4
"""Around the crop, in its sides: the landmark network sees 0.3."""


def find_landmarks(
    photo: Pixels, known: Mask, to_square: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Find the landmarks of a completed face.

    Args:
        photo: uint8 RGB (height, width, 3), with the face completed.
        known: Pixels that are known or completed, bool (height, width).
        to_square: Map from the photo to the crop as the unit square, float64 (2, 3).

    Returns:
        float64 (68, 2), x and y in pixels of the photo; None if no face is seen there.

    Raises:
        ModelError: If the packaged network cannot be used.
    """
    reading = landmark_network.load().settle(
        photo.astype(np.float32), known.astype(np.float32), to_square
    )
    return None if reading is None or reading.score <= 0.0 else reading.points


class PlacedFace(NamedTuple):
    """Part of a photo around a face, and the landmarks in it.

    Attributes:
        window: Rows and columns of the part.
        to_square: Map from the part to the crop as the unit square, float64 (2, 3).
        points: Landmarks, float64 (68, 2), in pixels of the part; None if no face is
            seen there.
    """

    window: tuple[slice, slice]
    to_square: NDArray[np.float64]
    points: NDArray[np.float64] | None


def place_face(photo: Pixels, known: Mask, face: FaceInPhoto) -> PlacedFace | None:
    """Find the landmarks of a completed face around its crop.

    Args:
        photo: uint8 RGB (height, width, 3), with the face completed.
        known: Pixels that are known or completed, bool (height, width).
        face: The face.

    Returns:
        What is found; None if the crop is beside the photo.

    Raises:
        ModelError: If the packaged network cannot be used.
    """
    crop, size = face.crop((photo.shape[0], photo.shape[1])), len(face.measurement.mask)
    if not crop.any():
        return None
    window = bounding_window(crop, round(_MARGIN * size * face.enlargement))
    to_square = of_window(face.to_square, window)
    points = find_landmarks(photo[window], known[window], to_square)
    return PlacedFace(window, to_square, points)


def outlines(photo: Pixels, known: Mask, faces: Iterable[FaceInPhoto]) -> Mask:
    """Pixels within the outline of any of some faces, bool (height, width).

    Args:
        photo: uint8 RGB (height, width, 3), with the faces completed.
        known: Pixels that are known or completed, bool (height, width).
        faces: The faces; all of the crop of one that is not seen is within.
    """
    shape = photo.shape[0], photo.shape[1]
    within = np.zeros(shape, np.bool_)
    for face in faces:
        placed = place_face(photo, known, face)
        if placed is None:
            continue
        window, _, points = placed
        within[window] |= (
            face.crop(shape)[window]
            if points is None
            else _outline(points, face, known[window].shape)
        )
    return within


def _outline(
    points: NDArray[np.float64], face: FaceInPhoto, shape: tuple[int, ...]
) -> Mask:
    """Pixels above the jaw, and a little beyond, in a window of some shape."""
    up = np.linalg.solve(face.matrix[:, :2], (0.0, -2.0 * len(face.measurement.mask)))
    corners = np.round(np.concatenate([points, points + up])).astype(np.int32)
    drawn = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(drawn, cv2.convexHull(corners), 1)
    away = cv2.distanceTransform(1 - drawn, cv2.DIST_L2, 5)
    return np.asarray(away <= _GROWN * face.enlargement)
