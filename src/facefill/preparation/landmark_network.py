"""Network that places a face's 68 landmarks, those that a hole hides among them.

It sees the known pixels around a face and which they are, and says where dlib's
landmarks of the intact face are, and whether there is a face at all. What it sees is
cut out by a map to the frame of the joint model (``face_prior``), in which the crop
is the unit square. It was trained on maps that miss by as much as a detector's box
does; read again by the landmarks that it gave, it is the more exact.

Synopsis::

    network = load()
    reading = network.settle(picture, known, face_prior.load().frame_of(box))

The packaged network is made by ``tools/ship_landmark_network.py``.
"""

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.errors import ModelError
from facefill.imaging import geometry
from facefill.preparation import face_prior
from facefill.preparation.face_prior import Floats, Points, View
from facefill.runtime.packaged_files import FOLDER, read_described

FILE, DESCRIPTION = "landmark_network.onnx", "landmark_network.json"
SIDE = 96
"""Of what it sees, in pixels."""
LOW, HIGH = -0.3, 1.3
"""Edges of what it sees, in units of the crop; mirror images of each other."""
ROUNDS = 3
"""Times that a face is read, each time where the last time saw it."""

_LEAST_KNOWN = 225
"""Pixels of ``SIDE`` x ``SIDE`` without which nothing is read."""
_LEAST_DEVIATION = 8.0

# Which landmark a mirrored face has in the place of each.
_JAW_TO_NOSE = [
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
]
_EYES = [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
_MOUTH = [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]
MIRRORED = np.array([*_JAW_TO_NOSE, *_EYES, *_MOUTH])
"""Landmark of a face's mirror image, for each landmark."""


class Reading(NamedTuple):
    """What the network says of a face.

    Attributes:
        points: float64 (68, 2), x and y in pixels of the photo.
        score: Log odds that there is a face.
    """

    points: Points
    score: float


class LandmarkNetwork:
    """The network, as OpenCV runs it."""

    def __init__(self, content: bytes) -> None:
        """Read an ONNX file.

        Raises:
            ModelError: If it is something else.
        """
        try:
            self._network = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        except cv2.error as error:
            raise ModelError(f"no landmark network ({error})") from error
        # A network holds what it is given, so that threads must take turns.
        self._lock = Lock()

    def read(
        self, picture: Floats, known: Floats, to_frame: NDArray[np.float64]
    ) -> Reading | None:
        """Read a face and its mirror image once, and give the mean.

        Args:
            picture: float32 RGB (height, width, 3), grey levels.
            known: float32 (height, width), 1 = known, 0 = hidden.
            to_frame: Map from photo to frame, (2, 3).

        Returns:
            What is there; ``None`` if next to nothing is known.
        """
        one = _input_at(picture, known, to_frame)
        if one is None:
            return None
        answers = self._answers(np.stack([one, one[..., ::-1]]))
        placed, mirrored = answers[:, :-1].reshape(2, -1, 2)
        # The frame's middle is at x = 0.5.
        points = (placed + (mirrored * (-1.0, 1.0) + (1.0, 0.0))[MIRRORED]) / 2.0
        back = geometry.inverted(to_frame)
        return Reading(geometry.applied(back, points), float(answers[:, -1].mean()))

    def score(
        self, picture: Floats, known: Floats, to_frame: NDArray[np.float64]
    ) -> float:
        """Give the log odds that a face is where a map has it; arguments as ``read``.

        Where next to nothing is known they are minus infinity.
        """
        one = _input_at(picture, known, to_frame)
        return -np.inf if one is None else float(self._answers(one[None])[0, -1])

    def settle(
        self, picture: Floats, known: Floats, to_frame: NDArray[np.float64]
    ) -> Reading | None:
        """Read a face where it is roughly, and again where it was read.

        Args:
            picture: float32 RGB (height, width, 3), grey levels.
            known: float32 (height, width), 1 = known, 0 = hidden.
            to_frame: Rough map from photo to frame, (2, 3).
        """
        reading = self.read(picture, known, to_frame)
        mean = face_prior.load().mean_points
        for _ in range(ROUNDS - 1):
            if reading is None:
                return None
            to_frame = geometry.similarity(reading.points, mean)
            reading = self.read(picture, known, to_frame)
        return reading

    def _answers(self, inputs: Floats) -> NDArray[np.float64]:
        """Run it on inputs (N, 4, S, S): 136 places in the frame and a score each."""
        with self._lock:
            self._network.setInput(np.ascontiguousarray(inputs))
            return np.asarray(self._network.forward(), np.float64)


def frame_to_input() -> NDArray[np.float64]:
    """Give the map from the frame to the pixels that the network sees, (2, 3)."""
    scale = SIDE / (HIGH - LOW)
    shift = -LOW * scale - 0.5
    return np.array([[scale, 0.0, shift], [0.0, scale, shift]])


def _input_at(
    picture: Floats, known: Floats, to_frame: NDArray[np.float64]
) -> Floats | None:
    matrix = geometry.composed(frame_to_input(), to_frame)
    seen = face_prior.sampled(picture, known, matrix, SIDE)
    return network_input(seen) if seen.known.sum() >= _LEAST_KNOWN else None


def network_input(seen: View) -> Floats:
    """Make what the network sees, float32 (4, S, S), channels first.

    Each colour is 0 on average over the known pixels, all three have a variance of 1
    together, and hidden pixels are 0; the last channel is 1 where a pixel is known.

    Args:
        seen: RGB pixels (S, S, 3), grey levels, some of them known.
    """
    pixels = seen.pixels[seen.known].astype(np.float64)
    mean = pixels.mean(axis=0)
    deviation = max(float(np.sqrt(np.square(pixels - mean).mean())), _LEAST_DEVIATION)
    levels = np.where(seen.known[..., None], (seen.pixels - mean) / deviation, 0.0)
    channels = np.concatenate([levels, seen.known[..., None]], axis=-1)
    return np.asarray(channels.transpose(2, 0, 1), np.float32)


@lru_cache(maxsize=1)
def load(folder: Path = FOLDER) -> LandmarkNetwork:
    """Read the network that comes with facefill.

    Raises:
        ModelError: If the file is absent, or not the one that was shipped.
    """
    return LandmarkNetwork(read_described(folder / FILE, folder / DESCRIPTION))
