"""Alignment of damaged faces by the known pixels alone: where they may be.

The detector sees a photo whose hole is filled, roughly or by mirror images
(``hole_filling``). Of what may be a face there the landmark network chooses the
likeliest (``damaged_face``); where it believes in none, it looks itself, all over the
hole.

Synopsis::

    filled = hole_filling.inpainted(photo, hole)
    damaged = DamagedPhoto(filled, hole, landmark_model)
    face = damaged.find(box)  # by one of the detector's boxes of the filled photo
    face = damaged.find()  # where it sees none
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facefill.imaging import geometry
from facefill.preparation import (
    detection,
    face_prior,
    hole_filling,
    landmark_network,
    quality,
)
from facefill.preparation.damaged_face import MIN_SCORE, DamagedFace, Located
from facefill.preparation.detection import Box, LandmarkModel
from facefill.preparation.face_prior import Points
from facefill.preparation.face_window import box_corners

MIN_CERTAINTY = 4.5
"""Of a face that the detector sees in no filling by itself; ``Located.certainty``."""
MIN_SCANNED = 6.0
"""Of a face where the detector sees not even a candidate."""
NEARLY_SEEN = -0.3
"""Of the detector, for a completed face of which it had a candidate, and of which the
network is as certain as of a scanned one. Of 480 damaged faces this found eight more,
and one in 628 photos with a hole and no face, with a smaller network, whose odds were
less certain of faces and of what is none."""
MAX_CANDIDATES = 6
"""Candidates that are looked at closely, the most certain first."""

_SAME_FACE = 0.1
"""Overlap from which two boxes may be of one face, one of them at a wrong place."""
_AS_CERTAIN, _SAME_BOX = 1.5, 0.4
"""Log odds, and overlap of boxes, within which readings are of one face."""
_REACH = 0.25
"""Pixels beyond the box by which landmarks are placed, in sides of the box."""
_SEARCHED = 640
"""Longer side of the photo, in pixels, in which candidates are sought."""
_EYES = (slice(36, 42), slice(42, 48))

# The network's own search: sides of boxes and steps between them, as factors.
_SMALLEST, _LARGEST, _GROWTH = 0.8, 3.0, 1.35
_STEP = 0.35
_LEAST_SIDE = 32


class EyePair(NamedTuple):
    """Middles of both eyes, x and y in pixels of the photo, in either order."""

    one: tuple[float, float]
    other: tuple[float, float]


Hint: TypeAlias = Box | EyePair
"""Where a user says that the face is."""


class _Candidate(NamedTuple):
    """Where the detector may see a face, and its score."""

    score: float
    box: Box


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
        """Find a damaged face: the likeliest of several places and scales.

        Args:
            near: A face that is known to be there; ``None`` if the detector sees none
                in the filled photo, and a face has to be certain enough.

        Raises:
            ModelError: If a packaged model or the landmark model cannot be used.
        """
        if near is not None:
            return self._located(self._at(near), -np.inf)
        located = self._located(self._in_hole, MIN_CERTAINTY)
        if located is not None and located.score > 0.0:
            return located
        scanned = self._located(self._scanned(), MIN_SCANNED)
        if scanned is not None and scanned.score > 0.0:
            return scanned
        return located if _is_nearly_seen(located) else None

    def find_beside(
        self, others: Sequence[Box], part: NDArray[np.bool_]
    ) -> Located | None:
        """Find a damaged face that the detector misses, beside others that it sees.

        Args:
            others: Boxes of faces that were found.
            part: Part of the hole that the face is to explain, bool (height, width).

        Raises:
            ModelError: If a packaged model or the landmark model cannot be used.
        """
        boxes = [
            box
            for box in self._in_hole
            if part[_within(box)].any()
            and all(detection.overlap(box, other) <= _SAME_FACE for other in others)
        ]
        located = self._located(boxes, MIN_SCANNED)
        return located if located and located.score > 0.0 else None

    def _located(self, boxes: list[Box], least: float) -> Located | None:
        """Find the likeliest face of several boxes, if it is certain enough.

        Of those that are, the detector has to see the first one completed, too, if it
        sees any. The network's opinion of it is the median of all that are as certain.
        """
        faces = [
            DamagedFace(self.filled, self.hole, box, self._model)
            for box in boxes[:MAX_CANDIDATES]
        ]
        likeliest: Located | None = None
        tried: list[Box] = []
        for best in sorted(faces, key=lambda face: -face.certainty):
            if best.certainty < least:
                break
            if any(detection.overlap(best.box, box) > _SAME_BOX for box in tried):
                continue
            tried.append(best.box)
            located = _settled(best, faces)
            if located is not None and located.score > 0.0:
                return located
            likeliest = likeliest or located
        return likeliest

    def _at(self, box: Box) -> list[Box]:
        if box == self._given:
            return [box]
        candidates = [
            candidate
            for candidate in self._candidates
            if detection.overlap(candidate.box, box) > _SAME_FACE
        ]
        return [candidate.box for candidate in _by_score(candidates)] or [box]

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
        back = geometry.inverted(matrix)
        return self._is_at(box, geometry.applied(back, corners))

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
    def _candidates(self) -> list[_Candidate]:
        """What may be a face in a filling."""
        mirrored = hole_filling.mirrored(self.filled, self.hole)
        return [found for each in (self.filled, *mirrored) for found in _seen_in(each)]

    @property
    def _in_hole(self) -> list[Box]:
        """What may be a face that the hole hides."""
        every = _by_score(self._candidates)
        return [candidate.box for candidate in every if self._is_in(candidate.box)]

    def _scanned(self) -> list[Box]:
        """Boxes at the hole, the likeliest for the network first."""
        scale = min(1.0, _SEARCHED / max(self.hole.shape))
        picture = detection.shrunk(self.filled, scale)
        hidden = detection.shrunk((self.hole * np.uint8(255)), scale)
        known = np.asarray(hidden == 0, np.float32)
        network, prior = landmark_network.load(), face_prior.load()
        levels = picture.astype(np.float32)
        scored = [
            (network.score(levels, known, prior.frame_of(box)), box)
            for box in _boxes_at(hidden > 0)
        ]
        scored.sort(reverse=True)
        return [Box(*(round(edge / scale) for edge in box)) for _, box in scored]

    def _is_in(self, box: Box) -> bool:
        return bool(self.hole[_within(box)].any())


def _is_nearly_seen(face: Located | None) -> bool:
    return (
        face is not None and face.score > NEARLY_SEEN and face.certainty >= MIN_SCANNED
    )


def _settled(best: DamagedFace, faces: Iterable[DamagedFace]) -> Located | None:
    alike = [
        face
        for face in faces
        if face.certainty > best.certainty - _AS_CERTAIN
        and detection.overlap(face.box, best.box) > _SAME_BOX
    ]
    # The first is at the box of which the detector is the most certain.
    return alike[0].settle(np.median([face.read for face in alike], axis=0))


def _within(box: Box) -> tuple[slice, slice]:
    """Rows and columns of a photo that lie in a box."""
    rows = slice(max(0, box.top), max(0, box.bottom + 1))
    return rows, slice(max(0, box.left), max(0, box.right + 1))


def _boxes_at(hole: NDArray[np.bool_]) -> Iterator[Box]:
    """Give boxes of several sizes, each with its middle in the hole or next to it."""
    if not hole.any():
        return
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    first = np.array([columns[0], rows[0]], float)
    last = np.array([columns[-1], rows[-1]], float)
    extent = last - first + 1.0
    side = max(_LEAST_SIDE, _SMALLEST * extent.min())
    largest = min(_LARGEST * extent.max(), max(hole.shape))
    while side <= largest:
        low, high = first - _STEP * side, last + _STEP * side
        counts = np.ceil((high - low) / (_STEP * side)).astype(int) + 1
        low, high = np.maximum(low, 0.0), np.minimum(high, np.array(hole.shape[::-1]))
        for x in np.linspace(low[0], high[0], counts[0]):
            for y in np.linspace(low[1], high[1], counts[1]):
                edges = np.rint(
                    [x - side / 2, y - side / 2, x + side / 2, y + side / 2]
                )
                yield Box(*edges.astype(int).tolist())
        side *= _GROWTH


def _seen_in(picture: NDArray[np.uint8]) -> Iterator[_Candidate]:
    """Candidates in a filled photo, sought in a small copy of it."""
    scale = min(1.0, _SEARCHED / max(picture.shape[:2]))
    small = detection.shrunk(picture, scale)
    for box, score in detection.find_candidates(small, MIN_SCORE):
        yield _Candidate(score, Box(*(round(edge / scale) for edge in box)))


def _by_score(candidates: Iterable[_Candidate]) -> list[_Candidate]:
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
    return prior.box_of(geometry.similarity(given, eyes))
