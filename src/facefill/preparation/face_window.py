"""The part of a photo around a face, as a working copy of bounded size."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.preparation.detection import Box
from facefill.preparation.face_prior import Points

WORKING_BOX = 240
"""Side of the box, in pixels, that larger faces are shrunk to."""


def box_corners(box: Box) -> Points:
    """Give a box's first and last corner, float64 (2, 2)."""
    return np.array([box[:2], box[2:]], np.float64)


class FaceWindow(NamedTuple):
    """The part of a photo around a face, shrunk if the face is large."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @classmethod
    def around(cls, box: Box, shape: tuple[int, ...]) -> "FaceWindow":
        """Take a box's width of photo on each side of it."""
        side = max(box.right - box.left, box.bottom - box.top) + 1
        height, width = shape[:2]
        left, right = _clipped(box.left - side, box.right + 1 + side, width)
        top, bottom = _clipped(box.top - side, box.bottom + 1 + side, height)
        return cls(left, top, right, bottom, min(1.0, WORKING_BOX / side))

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut the window out of a photo, uint8 RGB (height, width, 3)."""
        part = picture[self.top : self.bottom, self.left : self.right]
        if self.scale == 1.0:
            return np.ascontiguousarray(part)
        return np.asarray(cv2.resize(part, self._size(), interpolation=cv2.INTER_AREA))

    def cut_hole(self, hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Cut a hole: a pixel is hidden if any that it is made of is."""
        levels = np.where(hole, np.float32(1.0), np.float32(0.0))
        part = levels[self.top : self.bottom, self.left : self.right]
        if self.scale != 1.0:
            part = cv2.resize(part, self._size(), interpolation=cv2.INTER_AREA)
        return np.asarray(part > 0.0)

    def box(self, box: Box) -> Box:
        """Map a box from the photo to the window."""
        moved = self.from_photo(box_corners(box))
        return Box(*np.rint(moved).astype(int).ravel().tolist())

    def box_in_photo(self, box: Box) -> Box:
        """Map a box back to the photo."""
        places = self.to_photo(box_corners(box))
        return Box(*np.rint(places).astype(int).ravel().tolist())

    def to_photo(self, points: Points) -> Points:
        """Map points (N, 2) from the window to the photo."""
        return (points + 0.5) / self._scales() - 0.5 + (self.left, self.top)

    def from_photo(self, points: Points) -> Points:
        """Map points (N, 2) from the photo to the window."""
        return (points - (self.left, self.top) + 0.5) * self._scales() - 0.5

    def _size(self) -> tuple[int, int]:
        width, height = self.right - self.left, self.bottom - self.top
        return max(1, round(self.scale * width)), max(1, round(self.scale * height))

    def _scales(self) -> NDArray[np.float64]:
        if self.scale == 1.0:
            return np.ones(2)
        width, height = self.right - self.left, self.bottom - self.top
        return np.array(self._size()) / (width, height)


def _clipped(low: int, high: int, length: int) -> tuple[int, int]:
    low = min(max(low, 0), length - 1)
    return low, max(min(high, length), low + 1)
