"""Face extraction: a photo's pixels to aligned, checked crops.

Which of several faces are taken, and what makes a crop unusable, is decided here;
nothing here knows of files. Photos of other things than faces, or that are crops
already, are cut without a search.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging import geometry
from facefill.imaging.masks import mask_from_photo, mask_within_photo
from facefill.parameters import AlignOptions
from facefill.preparation import detection, hole_filling, quality
from facefill.preparation.damaged_face import Located
from facefill.preparation.detection import Box, LandmarkModel
from facefill.preparation.hole_alignment import DamagedPhoto, Hint, hint_box


@dataclass(frozen=True)
class Face:
    """One face of a photo, or why it is none.

    Attributes:
        reason: Why it is rejected; empty if it is not.
        box: Where the detector saw it; None if none was asked.
        landmarks: int64 (68, 2) or (5, 2), x and y in pixels of the photo; None if
            none were looked for.
        matrix: float64 (2, 3), from photo to crop; None if there is no such map.
        pixels: uint8 RGB (size, size, 3); None if it is rejected.
    """

    reason: str
    box: Box | None
    landmarks: NDArray[np.int64] | None
    matrix: NDArray[np.float64] | None
    pixels: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Extraction:
    """Faces of a photo.

    Attributes:
        num_faces: Faces that the detector saw; 0 if it was not asked.
        reason: Why none of them is taken; empty if any is.
        faces: Those taken, the largest first.
    """

    num_faces: int
    reason: str
    faces: list[Face]


def extract(
    photo: NDArray[np.uint8],
    options: AlignOptions,
    size: int,
    hole: NDArray[np.bool_] | None = None,
    hint: Hint | None = None,
) -> Extraction:
    """Cut what is to be trained on or completed out of a photo.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        options: How faces are found, chosen and cropped.
        size: Side of a face in pixels.
        hole: What is missing of a damaged photo, bool (height, width), True = hidden.
            Nothing depends on the pixels under it: they are filled first. A face
            that it does not reach comes out as without it.
        hint: Where the face is, in place of detection.

    Raises:
        ModelError: If the landmark model or a packaged model of faces cannot be used.
        ValueError: If the hole has another size than the photo.
    """
    damaged, given = None, None if hint is None else hint_box(hint)
    if hole is not None and hole.shape != photo.shape[:2]:
        raise ValueError(f"hole of shape {hole.shape}, photo of {photo.shape[:2]}")
    if hole is not None and hole.any():
        photo = hole_filling.inpainted(photo, hole)
        damaged = DamagedPhoto(photo, hole, landmark_model(options), given)
    if options.method != "openface":
        return _extract_square(photo, options, size)
    boxes = _find_faces(photo, options) if given is None else [given]
    if not boxes:
        return _extract_unseen(damaged, options, size)
    if options.multiple_faces == "skip" and len(boxes) > 1:
        return Extraction(len(boxes), "several_faces", [])
    ordered = detection.by_size(boxes)
    if damaged is not None and given is None:
        faces = _of_hole(ordered, damaged, options, size)
    else:
        chosen = ordered if options.multiple_faces == "all" else ordered[:1]
        faces = [_face(photo, box, options, size, damaged) for box in chosen]
    return Extraction(len(boxes), "", faces)


def _of_hole(
    ordered: list[Box], damaged: DamagedPhoto, options: AlignOptions, size: int
) -> list[Face]:
    """Choose the faces that a hole reaches; if it reaches none, those of any photo."""
    every = [_face(damaged.filled, box, options, size, damaged) for box in ordered]
    reached = [face for face in every if _is_reached(face, size, damaged.hole)]
    # The face of the hole may be one that the detector does not see.
    located = None
    if not reached:
        located = damaged.find()
    elif (part := _unexplained(reached, size, damaged.hole)).any():
        located = damaged.find_beside(ordered, part)
    if located is not None:
        face = _damaged_face(damaged.filled, located, options, size)
        if _is_reached(face, size, damaged.hole):
            reached = [*reached, face]
            reached.sort(key=_area, reverse=True)
    rest = every if options.multiple_faces == "all" else every[:1]
    return reached or rest


def _area(face: Face) -> int:
    return 0 if face.box is None else detection.area(face.box)


def _unexplained(
    faces: list[Face], size: int, hole: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Parts of a hole more than half of which lie beyond the crops of faces."""
    height, width = hole.shape
    crops = np.zeros(hole.shape, np.uint8)
    for face in faces:
        if face.matrix is not None:
            whole = np.ones((size, size), np.uint8)
            crops |= cv2.warpAffine(
                whole, face.matrix, (width, height), flags=cv2.WARP_INVERSE_MAP
            ).astype(np.uint8)
    count, labels = cv2.connectedComponents(hole.astype(np.uint8))
    inside = np.bincount(labels[hole & (crops > 0)], minlength=count)
    is_beside = 2 * inside < np.bincount(labels[hole], minlength=count)
    return np.asarray(hole & is_beside[labels])


def _is_reached(face: Face, size: int, hole: NDArray[np.bool_]) -> bool:
    if face.matrix is None:
        return False
    height, width = hole.shape
    within = mask_within_photo((height, width), face.matrix, size)
    return bool((within & ~mask_from_photo(hole, face.matrix, size)).any())


def load_models(options: AlignOptions) -> None:
    """Build what ``extract`` needs now, rather than at the first photo.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    if options.method == "openface":
        detection.load(landmark_model(options))


def landmark_model(options: AlignOptions) -> LandmarkModel:
    """Choose the model that places the landmarks that are aligned by."""
    num_landmarks = geometry.NUM_LANDMARKS[options.landmarks]
    return LandmarkModel(options.landmark_model, num_landmarks)


def _extract_square(
    photo: NDArray[np.uint8], options: AlignOptions, size: int
) -> Extraction:
    height, width = photo.shape[:2]
    if options.method == "none" and height != width:
        return Extraction(0, "not_square", [])
    pixels, matrix = geometry.square_crop(photo, size)
    return Extraction(0, "", [Face("", None, None, matrix, pixels)])


def _find_faces(photo: NDArray[np.uint8], options: AlignOptions) -> list[Box]:
    if options.detector == "exact":
        return detection.find_faces(photo, options.upsample)
    every = options.multiple_faces != "largest"
    return detection.find_faces_fast(photo, options.upsample, every=every)


def _extract_unseen(
    damaged: DamagedPhoto | None, options: AlignOptions, size: int
) -> Extraction:
    """Look again where the detector sees no face, if a hole may be what hides it."""
    located = None if damaged is None else damaged.find()
    if damaged is None or located is None:
        return Extraction(0, "no_face", [])
    return Extraction(1, "", [_damaged_face(damaged.filled, located, options, size)])


def _face(
    photo: NDArray[np.uint8],
    box: Box,
    options: AlignOptions,
    size: int,
    damaged: DamagedPhoto | None,
) -> Face:
    landmarks = detection.find_landmarks(photo, box, landmark_model(options))
    matrix = geometry.affine(landmarks, options.landmarks, size)
    if damaged is None or not damaged.reaches(box, matrix, size):
        return _judged(photo, Face("", box, landmarks, matrix, None), options, size)
    located = damaged.find(box)
    if located is None:
        return Face("hidden", box, None, None, None)
    return _damaged_face(photo, located, options, size)


def _damaged_face(
    filled: NDArray[np.uint8], located: Located, options: AlignOptions, size: int
) -> Face:
    # The map is that of the landmarks before they are rounded: half a pixel of a
    # small face is much of one of the crop.
    matrix = geometry.affine(located.landmarks, options.landmarks, size)
    landmarks = np.rint(located.landmarks).astype(np.int64)
    face = Face("", located.box, landmarks, matrix, None)
    return _judged(filled, face, options, size)


def _judged(
    photo: NDArray[np.uint8], face: Face, options: AlignOptions, size: int
) -> Face:
    """Cut a face out if its map is worth it; else say why it is not."""
    matrix, landmarks = face.matrix, face.landmarks
    if matrix is None or landmarks is None or quality.is_singular(matrix):
        return replace(face, reason="degenerate", matrix=None)
    corners = geometry.eye_corners(landmarks, options.landmarks)
    height, width = photo.shape[:2]
    if reason := quality.fault(corners, matrix, (height, width), size, options):
        return replace(face, reason=reason)
    pixels = geometry.warp(photo, matrix, size, options.border)
    return replace(face, pixels=pixels)
