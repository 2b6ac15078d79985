"""Faces of photos that facefill's packaged models of faces are measured on."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facefill.imaging.photos import decode_photo
from facefill.preparation import detection, splits

PHOTOS_PER_PERSON = 2


class TrainingFace(NamedTuple):
    """An intact photo's largest face.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        landmarks: float64 (68, 2), x and y in pixels of the photo.
        box: As the detector has it.
    """

    photo: np.ndarray
    landmarks: np.ndarray
    box: detection.Box


def training_faces(folder: Path) -> Iterator[TrainingFace]:
    """Give the faces of a folder of photos, one subfolder a person.

    Photos of people whom the split of seed 1 holds out are left out, and of each person
    two photos at most are taken. A photo in no subfolder is of a person of its own.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    sides = splits.split(names, names, 0.1, 1)
    taken: Counter[str] = Counter()
    for path, side, person in zip(paths, sides, splits.identities(names), strict=True):
        taken[person] += 1
        if side != splits.TRAIN or taken[person] > PHOTOS_PER_PERSON:
            continue
        photo = decode_photo(path.read_bytes())
        if boxes := detection.by_size(detection.find_faces(photo, 0)):
            landmarks = detection.find_landmarks(photo, boxes[0]).astype(np.float64)
            yield TrainingFace(photo, landmarks, boxes[0])
