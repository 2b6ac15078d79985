"""One damaged face, placed by its known pixels alone.

The landmark network (``landmark_network``) reads where the face is. By its landmarks
the joint model of faces (``face_prior``) expects what the hole hides, and dlib places
the landmarks of the face completed so. Completing and placing repeat. Visible landmarks
are dlib's; hidden ones are what these and the network's hidden ones let expect (of
dlib's five, which are too few for that, what the joint model expects, given the known
pixels, too).

Synopsis::

    face = DamagedFace(filled, hole, box, landmark_model)
    located = face.settle(face.read)
"""

from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging import geometry
from facefill.imaging.colour import chroma, coloured
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import bounding_window
from facefill.preparation import detection, face_prior, landmark_network
from facefill.preparation.detection import Box, LandmarkModel
from facefill.preparation.face_prior import Estimate, Points
from facefill.preparation.face_window import FaceWindow
from facefill.preparation.landmark_network import Reading

ROUNDS = 2
"""Times that a face is completed and its landmarks are placed anew."""
MIN_SCORE = -0.8
"""Of dlib's detector, for a candidate; 0 is its threshold elsewhere."""

_REFITS = 3

# Standard deviations in units of the crop.
_VISIBLE = 0.01
_JAW = 0.025
_READ = 0.03
_BY_LANDMARKS = 0.012
_HIDDEN = 0.03
_NUM_JAW, _NUM_READ = 17, 68
_MARGIN = 0.03
"""Landmarks that close to the hole count as hidden: what they are placed by is."""
_FOLLOWED = 0.8
"""Share of the visible landmarks' mean shift that hidden ones are taken to share."""

_WITHIN = 0.999
"""Of a pixel that lies wholly within the model's picture."""
_SAME_BOX = 0.75
"""Overlap from which a box is as good as another: landmarks move with their box."""
_LEAST_DETECTED = 8


class Located(NamedTuple):
    """A damaged face that was found.

    Attributes:
        box: Where its landmarks were sought at last.
        landmarks: float64 (68, 2) or (5, 2), x and y in pixels of the photo.
        score: The detector's of the completed face; ``MIN_SCORE`` if it sees none.
        certainty: The network's log odds that there is a face.
    """

    box: Box
    landmarks: Points
    score: float
    certainty: float


class DamagedFace:
    """A face that a hole reaches into, in a working copy of the photo around it.

    Attributes:
        box: Where it is, roughly.
        reading: What the network says of it, in pixels of the copy; ``None`` if next
            to nothing of it is known.
    """

    def __init__(
        self,
        filled: NDArray[np.uint8],
        hole: NDArray[np.bool_],
        box: Box,
        model: LandmarkModel,
    ) -> None:
        """Read the face.

        Args:
            filled: Photo from ``hole_filling.inpainted``, uint8 RGB (height, width, 3).
            hole: bool (height, width), True = hidden.
            box: Where it is, roughly.
            model: Landmark model.

        Raises:
            ModelError: If a packaged model cannot be used.
        """
        self.box = box
        self._window = FaceWindow.around(box, hole.shape)
        self._box = self._window.box(box)
        self._filled = self._window.cut(filled)
        self._hole = self._window.cut_hole(hole)
        self._model = model
        self._known = (~self._hole).astype(np.float32)
        self._prior = face_prior.load().of_landmarks(model.num_landmarks)
        self.reading: Reading | None = landmark_network.load().settle(
            self._filled.astype(np.float32),
            self._known,
            self._prior.frame_of(self._box),
        )

    @property
    def certainty(self) -> float:
        """The network's log odds that there is a face."""
        return -np.inf if self.reading is None else self.reading.score

    @property
    def read(self) -> Points:
        """The network's 68 landmarks, float64 (68, 2), in pixels of the photo."""
        if self.reading is None:
            return np.full((_NUM_READ, 2), np.nan)
        return self._window.to_photo(self.reading.points)

    def settle(self, read: Points) -> Located | None:
        """Place the landmarks; ``None`` if too little of the face is seen for that.

        Args:
            read: Where the network has them, as ``read``, or the mean of several.
        """
        if not np.isfinite(read).all():
            return None
        read = self._of_model(self._window.from_photo(read))
        hidden = self._is_hidden(read)
        if not self._is_enough(hidden):
            return None
        measured, deviations = read, np.full(len(read), _READ)
        box, score = self._box, MIN_SCORE
        for _ in range(ROUNDS):
            frame, estimate = self._expect(measured, deviations, ~hidden)
            picture = self._complete(frame, estimate)
            seen, score = self._seen_again(picture, frame)
            # Boxes of the detector are steps apart, so that one as good as another
            # is no reason to move.
            if detection.overlap(seen, box) < _SAME_BOX:
                box = seen
            placed = detection.find_landmarks(picture, box, self._model)
            measured = placed.astype(np.float64)
            hidden = self._is_hidden(measured)
            if not self._is_enough(hidden):
                return None
            measured, deviations = self._weighed(measured, hidden, read)
        if len(measured) == _NUM_READ:
            expected = self._expect_by_landmarks(measured, hidden, read)
        else:
            frame, estimate = self._expect(measured, deviations, ~hidden)
            expected = geometry.applied(geometry.inverted(frame), estimate.points)
        points = np.where(hidden[:, None], expected, measured)
        return Located(
            self._window.box_in_photo(box),
            self._window.to_photo(points),
            score,
            self.certainty,
        )

    def _is_enough(self, hidden: NDArray[np.bool_]) -> bool:
        return int((~hidden).sum()) >= max(2, self._model.num_landmarks // 8)

    def _of_model(self, points: Points) -> Points:
        if self._model.num_landmarks == len(points):
            return points
        return points[geometry.LANDMARK_INDICES["five_point"]]

    def _weighed(
        self, measured: Points, hidden: NDArray[np.bool_], read: Points
    ) -> tuple[Points, NDArray[np.float64]]:
        """Give what is known of each landmark, and its standard deviation.

        Args:
            measured: Landmarks of the completed face.
            hidden: Those of them that the hole hides.
            read: The network's.
        """
        deviations = np.full(len(measured), _VISIBLE)
        if len(measured) > _NUM_JAW:
            deviations[:_NUM_JAW] = _JAW
        shift = (measured - read)[~hidden].mean(axis=0)
        shares = np.array([_READ, _HIDDEN]) ** -2.0
        moved = read + _FOLLOWED * shift
        both = (shares[0] * moved + shares[1] * measured) / shares.sum()
        deviations[hidden] = shares.sum() ** -0.5
        return np.where(hidden[:, None], both, measured), deviations

    def _seen_again(
        self, picture: NDArray[np.uint8], frame: NDArray[np.float64]
    ) -> tuple[Box, float]:
        """Detect the completed face: its box and score.

        Where the detector sees nothing, the box is that of the landmarks.
        """
        expected = self._prior.box_of(frame)
        side = expected.right - expected.left
        left, top = (max(0, edge - side // 2) for edge in expected[:2])
        right, bottom = (max(0, edge + side // 2) for edge in expected[2:])
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

    @cached_property
    def _grey(self) -> NDArray[np.float32]:
        return cv2.cvtColor(self._filled, cv2.COLOR_RGB2GRAY).astype(np.float32)

    @cached_property
    def _distance(self) -> NDArray[np.float32]:
        """Pixels from each to the hole."""
        known = (~self._hole).astype(np.uint8)
        distance = cv2.distanceTransform(known, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return np.asarray(distance)

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
        self,
        points: Points,
        deviations: NDArray[np.float64],
        visible: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float64], Estimate]:
        """Give the map to the model's frame, and the face as it is expected there.

        Args:
            points: What is known of each landmark.
            deviations: Its standard deviation.
            visible: Those by which the map is fitted.
        """
        prior = self._prior
        weights = np.where(visible, deviations**-2.0, 0.0)
        target = prior.mean_points
        for _ in range(_REFITS):
            frame = geometry.similarity(points, target, weights)
            seen = prior.view(self._grey, self._known, frame)
            estimate = prior.posterior(
                seen, geometry.applied(frame, points), deviations
            )
            target = estimate.points
        return frame, estimate

    def _expect_by_landmarks(
        self, measured: Points, hidden: NDArray[np.bool_], read: Points
    ) -> Points:
        """Expect hidden landmarks by dlib's visible ones and the network's hidden ones.

        Once these are placed, neither the known pixels nor what dlib says of hidden
        landmarks tell more of them.
        """
        points = np.where(hidden[:, None], read, measured)
        deviations = np.where(hidden, _READ, _BY_LANDMARKS)
        target = self._prior.mean_points
        for _ in range(_REFITS):
            frame = geometry.similarity(points, target, deviations**-2.0)
            seen = geometry.applied(frame, points)
            target = self._prior.landmarks_by(seen, deviations)
        return geometry.applied(geometry.inverted(frame), target)

    def _complete(
        self, frame: NDArray[np.float64], estimate: Estimate
    ) -> NDArray[np.uint8]:
        """Put what the model expects into the hole, at the level of what is around it.

        It is grey, and takes the colours of the rough filling: dlib compares pixels by
        the mean of their colours, so that grey beside skin is an edge to it.
        """
        height, width = self._hole.shape
        to_picture = geometry.composed(self._prior.frame_to_picture(), frame)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        # The second channel is 1 where the model's picture is, and fades at its edge.
        both = cv2.merge([estimate.pixels, np.ones_like(estimate.pixels)])
        drawn = cv2.warpAffine(both, to_picture, (width, height), flags=flags)
        within = drawn[..., 1] > _WITHIN
        inside = self._hole & within
        completed = self._filled.copy()
        if not inside.any():
            return completed
        window = bounding_window(inside, margin=1)
        hidden, picture = inside[window], drawn[window][..., 0]
        # Beyond its edge the model's picture has no level of its own.
        seen = within[window] & ~hidden
        apart = np.where(seen, self._grey[window] - picture, 0.0).astype(np.float32)
        level = membrane(apart[..., None], ~hidden)[..., 0]
        grey = np.clip(picture + level, 0.0, 255.0)
        painted = coloured(grey, chroma(self._filled[window]))
        completed[window][hidden] = painted[hidden]
        return completed
