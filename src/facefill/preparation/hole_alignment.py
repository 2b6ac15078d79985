"""Alignment of a damaged face by its known pixels alone.

Detector and landmark model see a photo whose hole is filled, first roughly
(``hole_filling``), then by what the joint model of faces (``face_prior``) expects
there, given the known pixels and the visible landmarks. Landmarks in the hole are
the model's, with the landmark model's own opinion of the completed face counting a
little. Both steps repeat a few times.

Synopsis::

    filled = hole_filling.inpainted(photo, hole)
    found = [locate(filled, hole, box, landmark_model) for box in boxes]
    found = search(filled, hole, landmark_model)  # where no box is known
"""

from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging import geometry
from facefill.imaging.inpainting import inpaint
from facefill.preparation import detection, face_prior, hole_filling, quality
from facefill.preparation.detection import Box, LandmarkModel
from facefill.preparation.face_prior import (
    Estimate,
    Points,
    applied,
    composed,
)

REDETECT = 1
OVERLAP = 0.5
ROUNDS = 3
"""Times that a face is completed and its landmarks are placed anew."""
MIN_SCORE = -0.8
"""Of dlib's detector, for a candidate; 0 is its threshold elsewhere."""
MIN_CERTAINTY = -0.2
"""Of the detector's scores of a candidate before and after it is completed, summed."""
MAX_CANDIDATES = 3
"""Candidates that are looked at closely, the most certain first."""

_REFITS = 3
_WORKING_BOX = 240
"""Side of the box, in pixels, that larger faces are shrunk to while they are sought."""

# Standard deviations in units of the crop.
_VISIBLE = 0.01
_JAW = 0.025
_HIDDEN = 0.015
_NUM_JAW = 17
_MARGIN = 0.03
"""Landmarks that close to the hole count as hidden: what they are placed by is."""


_REACH = 0.25
"""Pixels beyond the box by which landmarks are placed, in sides of the box."""
_SEARCHED = 640
"""Longer side of the photo, in pixels, in which candidates are sought."""
_EYES = (slice(36, 42), slice(42, 48))


class EyePair(NamedTuple):
    """Middles of both eyes, x and y in pixels of the photo, in either order."""

    one: tuple[float, float]
    other: tuple[float, float]


Hint: TypeAlias = Box | EyePair
"""Where a user says that the face is."""


class Located(NamedTuple):
    """A damaged face that was found.

    Attributes:
        box: Where its landmarks were sought.
        landmarks: float64 (68, 2) or (5, 2), x and y in pixels of the photo.
        residual: Root mean square of known minus expected pixels, in grey levels.
        misfit: Root mean square of visible minus expected landmarks, in crop units.
        surprise: As in ``face_prior.Estimate``.
    """

    box: Box
    landmarks: Points
    residual: float
    misfit: float
    surprise: float
    score: float = 0.0

    @property
    def cost(self) -> float:
        """How unlike a face it is, by which candidates are compared."""
        return self.residual


def locate(
    filled: NDArray[np.uint8],
    hole: NDArray[np.bool_],
    box: Box,
    model: LandmarkModel,
    first: NDArray[np.uint8] | None = None,
) -> Located | None:
    """Place the landmarks of a face that a hole reaches into.

    Args:
        filled: Photo from ``hole_filling.inpainted``, uint8 RGB (height, width, 3).
        hole: bool (height, width), True = hidden.
        box: Where the face is, as the detector has it.
        model: Landmark model.
        first: The same photo as it is filled for the first round; ``filled`` if
            ``None``.

    Returns:
        The face; ``None`` if too little of it is seen to tell where it is.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    window = _Window.around(box, hole.shape)
    inner = window.box(box)
    face = _DamagedFace(window.cut(filled), window.cut_hole(hole), inner, model)
    found = face.settle(window.cut(filled if first is None else first))
    if found is None:
        return None
    return found._replace(box=box, landmarks=window.to_photo(found.landmarks))


def search(
    filled: NDArray[np.uint8], hole: NDArray[np.bool_], model: LandmarkModel
) -> Located | None:
    """Look for a damaged face where the detector sees none in the filled photo.

    Args:
        filled: Photo from ``hole_filling.inpainted``, uint8 RGB (height, width, 3).
        hole: bool (height, width), True = hidden.
        model: Landmark model.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    found = [
        located
        for score, box, picture in _candidates(filled, hole)
        if (located := locate(filled, hole, box, model, picture))
        # The detector has to see the face at last that it was made by what is known.
        and located.score > 0.0
        and located.score + score > MIN_CERTAINTY
    ]
    return min(found, key=lambda face: face.cost, default=None)


def _candidates(
    filled: NDArray[np.uint8], hole: NDArray[np.bool_]
) -> list[tuple[float, Box, NDArray[np.uint8]]]:
    """Scores and boxes in the hole, with the fillings that show them, best first."""
    scale = min(1.0, _SEARCHED / max(hole.shape))
    found = []
    mirrored = hole_filling.mirrored(filled, hole)
    for picture in (filled, *mirrored, inpaint(filled, hole)):
        small = detection.shrunk(picture, scale)
        for box, score in detection.find_candidates(small, MIN_SCORE):
            full = Box(*(round(edge / scale) for edge in box))
            if _holds(full, hole):
                found.append((score, full, picture))
    found.sort(key=lambda candidate: -candidate[0])
    return found[:MAX_CANDIDATES]


def _holds(box: Box, hole: NDArray[np.bool_]) -> bool:
    """Whether any of a hole is in a box; another face may lie beside it."""
    rows = slice(max(box.top, 0), max(box.bottom + 1, 0))
    columns = slice(max(box.left, 0), max(box.right + 1, 0))
    return bool(hole[rows, columns].any())


def reaches(
    hole: NDArray[np.bool_], box: Box, matrix: NDArray[np.float64], size: int
) -> bool:
    """Tell whether a hole is where a face is cut out, or its landmarks are placed.

    Args:
        hole: bool (height, width), True = hidden.
        box: The face, as the detector has it.
        matrix: Map from photo to crop, (2, 3).
        size: Side of the crop in pixels.
    """
    height, width = hole.shape
    if quality.is_singular(matrix):
        return bool(hole.any())
    margin = _REACH * (box.right - box.left + 1)
    around = _box_corners(box) + np.array([[-margin], [margin]])
    corners = np.array([(-1, -1), (size, -1), (size, size), (-1, size)], np.float64)
    places = np.vstack([around, applied(_inverse(matrix), corners)])
    left, top = np.floor(places.min(axis=0)).astype(int).clip(0, (width, height))
    right, bottom = np.ceil(places.max(axis=0)).astype(int).clip(0, (width, height))
    return bool(hole[top : bottom + 1, left : right + 1].any())


def hint_box(hint: Hint) -> Box:
    """Give the box of a face that a user points at.

    Args:
        hint: The box itself, or the middles of both eyes.
    """
    if isinstance(hint, Box):
        return hint
    prior = face_prior.load()
    eyes = np.array([prior.mean_points[eye].mean(axis=0) for eye in _EYES])
    given = np.array(sorted((hint.one, hint.other)), np.float64)
    to_photo = geometry.similarity(eyes, given)
    x, y, side = prior.box
    (centre,) = applied(to_photo, np.array([(x, y)]))
    half = side * np.hypot(to_photo[0, 0], to_photo[1, 0]) / 2.0
    return Box(*np.rint([*(centre - half), *(centre + half)]).astype(int).tolist())


def _box_corners(box: Box) -> Points:
    return np.array([box[:2], box[2:]], np.float64)


class _DamagedFace:
    """One face in a working copy of the photo, and what is known of it."""

    def __init__(
        self,
        filled: NDArray[np.uint8],
        hole: NDArray[np.bool_],
        box: Box,
        model: LandmarkModel,
    ) -> None:
        self._filled, self._hole, self._box, self._model = filled, hole, box, model
        self._grey = cv2.cvtColor(filled, cv2.COLOR_RGB2GRAY).astype(np.float32)
        self._known = (~hole).astype(np.float32)
        self._distance = cv2.distanceTransform(
            (~hole).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        self._prior = face_prior.load().of_landmarks(model.num_landmarks)

    def settle(self, start: NDArray[np.uint8]) -> Located | None:
        """Complete the face and place its landmarks, in turns."""
        picture, trust_hidden, score = start, False, 0.0
        for _ in range(ROUNDS):
            measured = self._measure(picture)
            hidden = self._is_hidden(measured)
            if (~hidden).sum() < max(2, self._model.num_landmarks // 8):
                return None
            frame, estimate = self._expect(measured, hidden, trust_hidden)
            picture, trust_hidden = self._complete(frame, estimate), True
            self._box, score = self._seen_again(picture, frame)
        expected = applied(_inverse(frame), estimate.points)
        points = np.where(hidden[:, None], expected, measured)
        difference = applied(frame, measured) - estimate.points
        misfit = float(np.sqrt(np.mean(difference[~hidden] ** 2)))
        return Located(
            self._box, points, estimate.residual, misfit, estimate.surprise, score
        )

    def _seen_again(
        self, picture: NDArray[np.uint8], frame: NDArray[np.float64]
    ) -> tuple[Box, float]:
        """Give the detector's box of the completed face, and its score.

        A box that is off by a tenth moves landmarks by more than a pixel. Where the
        detector sees nothing, the box is that of the landmarks.
        """
        x, y, side = self._prior.box
        back = _inverse(frame)
        (centre,) = applied(back, np.array([(x, y)]))
        half = side * np.hypot(back[0, 0], back[1, 0]) / 2.0
        edges = np.rint([*(centre - half), *(centre + half)]).astype(int).tolist()
        best, best_score = Box(*edges), MIN_SCORE
        if REDETECT == 0:
            return self._box, 0.0
        left, top = (max(0, round(edge - half)) for edge in edges[:2])
        right, bottom = (max(1, round(edge + half)) for edge in edges[2:])
        part = np.ascontiguousarray(picture[top:bottom, left:right])
        if min(part.shape[:2]) < 8:
            return best, best_score
        overlap = OVERLAP
        for box, score in detection.find_candidates(part, MIN_SCORE):
            moved = Box(*(e + o for e, o in zip(box, (left, top) * 2, strict=True)))
            if score > best_score and detection.overlap(moved, Box(*edges)) > overlap:
                best, best_score = moved, score
        return best, best_score

    def _measure(self, picture: NDArray[np.uint8]) -> Points:
        placed = detection.find_landmarks(picture, self._box, self._model)
        return placed.astype(np.float64)

    def _is_hidden(self, points: Points) -> NDArray[np.bool_]:
        """Tell which landmarks are in the hole or next to it."""
        frame = geometry.similarity(points, self._prior.mean_points)
        unit = np.hypot(frame[0, 0], frame[1, 0])
        height, width = self._hole.shape
        column, row = np.rint(points).astype(np.int64).T
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        row, column = row.clip(0, height - 1), column.clip(0, width - 1)
        return np.asarray(inside & (unit * self._distance[row, column] < _MARGIN))

    def _expect(
        self, measured: Points, hidden: NDArray[np.bool_], trust_hidden: bool
    ) -> tuple[NDArray[np.float64], Estimate]:
        """Give the map to the model's frame, and the face as it is expected there."""
        prior = self._prior
        deviations = np.full(len(measured), _VISIBLE)
        if len(measured) > _NUM_JAW:
            deviations[:_NUM_JAW] = _JAW
        weights = np.where(hidden, 0.0, deviations**-2)
        deviations[hidden] = _HIDDEN if trust_hidden else np.inf
        target = prior.mean_points
        for _ in range(_REFITS):
            frame = geometry.similarity(measured, target, weights)
            seen = prior.view(self._grey, self._known, frame)
            estimate = prior.posterior(seen, applied(frame, measured), deviations)
            target = estimate.points
        return frame, estimate

    def _complete(
        self, frame: NDArray[np.float64], estimate: Estimate
    ) -> NDArray[np.uint8]:
        """Put what the model expects into the hole; it is grey, as dlib sees it."""
        height, width = self._hole.shape
        to_picture = composed(self._prior.frame_to_picture(), frame)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        # The second channel is 1 where the model's picture is, and fades at its edge.
        both = cv2.merge([estimate.pixels, np.ones_like(estimate.pixels)])
        drawn = cv2.warpAffine(both, to_picture, (width, height), flags=flags)
        inside = self._hole & (drawn[..., 1] > 0.999)
        grey = np.clip(np.rint(drawn[..., 0]), 0, 255).astype(np.uint8)
        return np.where(inside[..., None], grey[..., None], self._filled)


class _Window(NamedTuple):
    """The part of a photo around a face, shrunk if the face is large."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @classmethod
    def around(cls, box: Box, shape: tuple[int, ...]) -> "_Window":
        side = max(box.right - box.left, box.bottom - box.top) + 1
        height, width = shape[:2]
        left, right = _clipped(box.left - side, box.right + 1 + side, width)
        top, bottom = _clipped(box.top - side, box.bottom + 1 + side, height)
        return cls(left, top, right, bottom, min(1.0, _WORKING_BOX / side))

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        part = picture[self.top : self.bottom, self.left : self.right]
        if self.scale == 1.0:
            return np.ascontiguousarray(part)
        return np.asarray(cv2.resize(part, self._size(), interpolation=cv2.INTER_AREA))

    def cut_hole(self, hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
        levels = np.where(hole, np.float32(1.0), np.float32(0.0))
        part = levels[self.top : self.bottom, self.left : self.right]
        if self.scale != 1.0:
            part = cv2.resize(part, self._size(), interpolation=cv2.INTER_AREA)
        return np.asarray(part > 0.0)

    def box(self, box: Box) -> Box:
        corners = np.array([box[:2], box[2:]], np.float64)
        moved = (corners - (self.left, self.top) + 0.5) * self._scales() - 0.5
        return Box(*np.rint(moved).astype(int).ravel().tolist())

    def to_photo(self, points: Points) -> Points:
        return (points + 0.5) / self._scales() - 0.5 + (self.left, self.top)

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


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.invertAffineTransform(matrix))
