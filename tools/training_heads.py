"""Heads of the training side's photos, from which statistics and a network learn.

Only photos count whose face is small enough for head and shoulders to be on them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from training_faces import photo_of, training_rows

from facefill.completion.face_outlines import outlines
from facefill.completion.faces import FaceInPhoto
from facefill.completion.head_pictures import FIELD, SIDE, head_map, head_picture
from facefill.imaging.degradations import Inpainting
from facefill.inversion.measurement import Measurement

LEAST_SEEN = 0.95
"""Share of the picture that lies within its photo."""


class Head(NamedTuple):
    """Picture of a head.

    Attributes:
        picture: uint8 RGB (SIDE, SIDE, 3); beyond the photo the pixels at its edge.
        seen: Which pixels lie within the photo, bool (SIDE, SIDE).
        face: Pixels that are completed with the face, bool (SIDE, SIDE).
    """

    picture: NDArray[np.uint8]
    seen: NDArray[np.bool_]
    face: NDArray[np.bool_]


def training_heads(data: Path) -> Iterator[Head]:
    """Cut heads out of the photos that the pipeline ``prepare`` has aligned.

    Args:
        data: Folder of the project's artifacts.
    """
    size = np.load(data / "05_model_input/faces.npy", mmap_mode="r").shape[1]
    for _, row in training_rows(data).iterrows():
        matrix = np.asarray(row["matrix"], np.float64).reshape(2, 3)
        scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
        if min(row["width"], row["height"]) < 0.9 * FIELD * size / scale:
            continue
        head = _cut_out(photo_of(data, row), matrix, size)
        if head.seen.mean() >= LEAST_SEEN:
            yield head


def _cut_out(photo: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> Head:
    to_head = head_map(matrix, size)
    shape = photo.shape[0], photo.shape[1]
    whole, crop = np.ones(shape, np.bool_), np.ones((size, size), np.bool_)
    picture, seen = head_picture(photo, whole, to_head)
    edge = cv2.warpAffine(photo, to_head, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    pixels = np.zeros((size, size, 3), np.uint8)
    face = FaceInPhoto(Measurement("", pixels, crop, Inpainting()), matrix, crop)
    within = outlines(photo, whole, [face]) & face.crop(shape)
    completed = cv2.warpAffine(
        within.astype(np.uint8), to_head, (SIDE, SIDE), flags=cv2.INTER_NEAREST
    )
    return Head(np.where(seen[..., None], picture, edge), seen, completed > 0)
