"""Alignment of a damaged face by its known pixels alone.

Detector and landmark model see a photo whose hole is filled, first roughly
(``hole_filling``), then by what the joint model of faces (``face_prior``) expects
there, given the known pixels and the visible landmarks. Landmarks in the hole are
the model's, with the landmark model's own opinion of the completed face counting a
little. Both steps repeat a few times.

Synopsis::

    filled = hole_filling.inpainted(photo, hole)
    damaged = DamagedPhoto(filled, hole, landmark_model)
    face = damaged.find(box)  # by one of the detector's boxes of the filled photo
    face = damaged.find()  # where it sees none
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging import geometry
from facefill.imaging.inpainting import inpaint
from facefill.preparation import detection, face_prior, hole_filling, quality
from facefill.preparation.detection import Box, LandmarkModel
from facefill.preparation.face_prior import Estimate, Points, applied, composed
from facefill.preparation.face_window import FaceWindow, box_corners

ROUNDS = 3
"""Times that a face is completed and its landmarks are placed anew."""
MIN_SCORE = -0.8
"""Of dlib's detector, for a candidate; 0 is its threshold elsewhere."""
MIN_CERTAINTY = -0.2
"""Of a face that the detector sees in no filling by itself; ``Located.certainty``."""
MAX_CANDIDATES = 3
"""Candidates that are looked at closely, the most certain first."""

_REFITS = 3

# Standard deviations in units of the crop.
_VISIBLE = 0.01
_JAW = 0.025
_HIDDEN = 0.015
_NUM_JAW = 17
_MARGIN = 0.03
"""Landmarks that close to the hole count as hidden: what they are placed by is."""


_SAME_FACE = 0.1
"""Overlap from which two boxes may be of one face, one of them at a wrong place."""
_SAME_BOX = 0.65
"""Overlap from which a box is as good as another: landmarks move with their box."""
_LEAST_DETECTED = 8
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


class Candidate(NamedTuple):
    """Where a face may be.

    Attributes:
        score: The detector's, 0 at its threshold elsewhere.
        box: The face, in pixels of the photo.
        picture: The filled photo that shows it, uint8 RGB (height, width, 3).
    """

    score: float
    box: Box
    picture: NDArray[np.uint8]


class Located(NamedTuple):
    """A damaged face that was found.

    Attributes:
        box: Where its landmarks were sought at last.
        landmarks: float64 (68, 2) or (5, 2), x and y in pixels of the photo.
        score: The detector's of the completed face; ``MIN_SCORE`` if it sees none.
        certainty: That and the score before it was completed.
    """

    box: Box
    landmarks: Points
    score: float
    certainty: float


def locate(
    filled: NDArray[np.uint8],
    hole: NDArray[np.bool_],
    candidate: Candidate,
    model: LandmarkModel,
) -> Located | None:
    """Place the landmarks of a face that a hole reaches into.

    Args:
        filled: Photo from ``hole_filling.inpainted``, uint8 RGB (height, width, 3).
        hole: bool (height, width), True = hidden.
        candidate: Where the face is, and the picture of the first round.
        model: Landmark model.

    Returns:
        The face; ``None`` if too little of it is seen to tell where it is.

    Raises:
        ModelError: If the landmark model or the joint model cannot be used.
    """
    window = FaceWindow.around(candidate.box, hole.shape)
    inner = window.box(candidate.box)
    face = _DamagedFace(window.cut(filled), window.cut_hole(hole), inner, model)
    found = face.settle(window.cut(candidate.picture))
    if found is None:
        return None
    return found._replace(
        box=window.box_in_photo(found.box),
        landmarks=window.to_photo(found.landmarks),
        certainty=found.score + candidate.score,
    )


class DamagedPhoto:
    """A photo with a hole, in which faces are sought.

    Attributes:
        filled: Photo from ``hole_filling.inpainted``, uint8 RGB (height, width, 3).
        hole: bool (height, width), True = hidden.
    """

    def __init__(
        self,
        filled: NDArray[np.uint8],
        hole: NDArray[np.bool_],
        model: LandmarkModel,
        given: Box | None = None,
    ) -> None:
        """Take a photo; nothing is sought yet.

        Args:
            filled: From ``hole_filling.inpainted``, uint8 RGB (height, width, 3).
            hole: bool (height, width), True = hidden.
            model: Landmark model.
            given: Box of a user, in whose stead no other is tried.
        """
        self.filled, self.hole, self._model = filled, hole, model
        self._given = given

    def find(self, near: Box | None = None) -> Located | None:
        """Find a damaged face: the likeliest of several places, scales and fillings.

        Args:
            near: A face that is known to be there; ``None`` if the detector sees none
                in the filled photo, and a face has to be certain enough.

        Raises:
            ModelError: If the landmark model or the joint model cannot be used.
        """
        candidates = self._in_hole if near is None else self._at(near)
        best = self._likeliest(candidates[:MAX_CANDIDATES])
        if best is None or near is not None:
            return best
        is_certain = best.certainty > MIN_CERTAINTY and best.score > 0.0
        return best if is_certain else None

    def _at(self, box: Box) -> list[Candidate]:
        if box == self._given:
            pictures = (self.filled, *self._mirrored)
            return [Candidate(0.0, box, picture) for picture in pictures]
        return [
            candidate
            for candidate in self._candidates
            if detection.overlap(candidate.box, box) > _SAME_FACE
        ] or [Candidate(0.0, box, self.filled)]

    def _likeliest(self, candidates: list[Candidate]) -> Located | None:
        found = [
            located
            for candidate in candidates
            if (located := locate(self.filled, self.hole, candidate, self._model))
        ]
        return max(found, key=lambda located: located.certainty, default=None)

    def reaches(self, box: Box, matrix: NDArray[np.float64], size: int) -> bool:
        """Tell whether the hole is where a face is cut out, or landmarks are placed.

        Args:
            box: The face, as the detector has it.
            matrix: Map from photo to crop, (2, 3).
            size: Side of the crop in pixels.
        """
        if quality.is_singular(matrix):
            return bool(self.hole.any())
        edge = float(size)
        corners = np.array([(-1.0, -1.0), (edge, -1.0), (edge, edge), (-1.0, edge)])
        return self._is_at(box, applied(_inverse(matrix), corners))

    def _is_at(self, box: Box, *further: Points) -> bool:
        """Tell whether the hole is at a box, or within the bounds of other points."""
        height, width = self.hole.shape
        margin = _REACH * (box.right - box.left + 1)
        around = box_corners(box) + np.array([[-margin], [margin]])
        places = np.vstack([around, *further])
        left, top = np.floor(places.min(axis=0)).astype(int).clip(0, (width, height))
        right, bottom = np.ceil(places.max(axis=0)).astype(int).clip(0, (width, height))
        return bool(self.hole[top : bottom + 1, left : right + 1].any())

    @cached_property
    def _mirrored(self) -> list[NDArray[np.uint8]]:
        return hole_filling.mirrored(self.filled, self.hole)

    @cached_property
    def _candidates(self) -> list[Candidate]:
        """What may be a face in a filling, the most certain first."""
        pictures = (self.filled, *self._mirrored)
        return _by_score(found for each in pictures for found in _seen_in(each))

    @property
    def _in_hole(self) -> list[Candidate]:
        """What may be a face that the hole hides, also as patches would fill it."""
        patched = inpaint(self.filled, self.hole)
        return _by_score(
            candidate
            for candidate in (*self._candidates, *_seen_in(patched))
            if self._is_in(candidate.box)
        )

    def _is_in(self, box: Box) -> bool:
        rows = slice(max(0, box.top), max(0, box.bottom + 1))
        columns = slice(max(0, box.left), max(0, box.right + 1))
        return bool(self.hole[rows, columns].any())


def _seen_in(picture: NDArray[np.uint8]) -> Iterator[Candidate]:
    """Candidates in a filled photo, sought in a small copy of it."""
    scale = min(1.0, _SEARCHED / max(picture.shape[:2]))
    small = detection.shrunk(picture, scale)
    for box, score in detection.find_candidates(small, MIN_SCORE):
        yield Candidate(score, Box(*(round(edge / scale) for edge in box)), picture)


def _by_score(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: -candidate.score)


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
        picture, trust_hidden, score = start, False, MIN_SCORE
        for _ in range(ROUNDS):
            measured = self._measure(picture)
            hidden = self._is_hidden(measured)
            if (~hidden).sum() < max(2, self._model.num_landmarks // 8):
                return None
            frame, estimate = self._expect(measured, hidden, trust_hidden)
            picture, trust_hidden = self._complete(frame, estimate), True
            seen, score = self._seen_again(picture, frame)
            # Boxes of the detector are steps apart, so that one as good as another
            # is no reason to move.
            if detection.overlap(seen, self._box) < _SAME_BOX:
                self._box = seen
        expected = applied(_inverse(frame), estimate.points)
        points = np.where(hidden[:, None], expected, measured)
        return Located(self._box, points, score, score)

    def _seen_again(
        self, picture: NDArray[np.uint8], frame: NDArray[np.float64]
    ) -> tuple[Box, float]:
        """Detect the completed face: its box and score.

        Where the detector sees nothing, the box is that of the landmarks.
        """
        x, y, side = self._prior.box
        back = _inverse(frame)
        (centre,) = applied(back, np.array([(x, y)]))
        half = side * float(np.hypot(back[0, 0], back[1, 0])) / 2.0
        expected = Box(*np.rint([*(centre - half), *(centre + half)]).astype(int))
        left, top = (max(0, round(edge - half)) for edge in expected[:2])
        right, bottom = (max(0, round(edge + half)) for edge in expected[2:])
        part = picture[top:bottom, left:right]
        if min(part.shape[:2]) < _LEAST_DETECTED:
            return expected, MIN_SCORE
        for box, score in detection.find_candidates(part, MIN_SCORE):
            moved = Box(
                box.left + left, box.top + top, box.right + left, box.bottom + top
            )
            if detection.overlap(moved, expected) > 0.5:
                return moved, score
        return expected, MIN_SCORE

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


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.invertAffineTransform(matrix))
