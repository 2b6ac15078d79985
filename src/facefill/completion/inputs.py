"""Photos to complete: what is known of each, and what its completion depends on."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from facefill.errors import FacefillError, PhotoError
from facefill.imaging.degradations import Inpainting
from facefill.imaging.mask_files import hole_in_face, read_hole
from facefill.imaging.pictures import read_png
from facefill.inversion.masking import MaskMaker
from facefill.inversion.measurement import Measurement
from facefill.runtime.files import file_sha256

Row = dict[str, Any]


@dataclass(frozen=True)
class Folders:
    """Where a completion reads and writes.

    Attributes:
        photos: Damaged photos.
        masks: Files of holes, if any; need not exist.
        faces: Aligned faces.
        output: Receives a folder for each photo.
        records: Remembers finished photos.
    """

    photos: Path
    masks: Path
    faces: Path
    output: Path
    records: Path


@dataclass(frozen=True)
class PhotoTask:
    """One face to complete.

    Attributes:
        key: Says all that its completion depends on.
        face_id: The photo's path, and ``#2`` for its second face.
        photo_id: Path of the photo, relative to the photos.
        target: Its aligned face and what is known of it.
        matrix: Map from photo to face, (2, 3).
        photo_hole: The hole in the photo itself if a file gives it, else None.
        mask_name: ``file``, or the name of the shape.
    """

    key: str
    face_id: str
    photo_id: str
    target: Measurement
    matrix: np.ndarray
    photo_hole: np.ndarray | None
    mask_name: str


class TaskReader:
    """Reads photos to complete, one at a time."""

    def __init__(
        self, faces: Path, mask_files: Path, masks: MaskMaker, size: int
    ) -> None:
        """Take where they are, what gives masks, and the size of a face in pixels."""
        self._faces = faces
        self._mask_files = mask_files
        self._masks = masks
        self._size = size

    def face(self, row: Any) -> np.ndarray:
        """Read a photo's aligned face, uint8 (S, S, 3).

        Raises:
            PhotoError: If it has none, with the reason of the alignment.
        """
        if row.status != "aligned":
            raise PhotoError(row.reason)
        return read_png(self._faces / row.face)

    def key(self, row: Any, settings: str) -> str:
        """Hash all that a photo's completion depends on.

        Args:
            row: Of the alignment manifest.
            settings: What the search of every photo depends on.
        """
        file = self._mask_file(row)
        mask = file_sha256(file) if file.is_file() else self._masks.name
        parts = [row.id, row.photo_sha256, row.face_sha256, mask, settings]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def read(self, row: Any, key: str) -> PhotoTask:
        """Read one photo's face and mask.

        Raises:
            PhotoError: If it has no face, with the reason of the alignment.
            MaskError: If its mask cannot be used.
        """
        face = self.face(row)
        matrix = np.array(row.matrix, np.float64).reshape(2, 3)
        file = self._mask_file(row)
        if file.is_file():
            hole = read_hole(file, (row.height, row.width), self._masks.polarity)
            # Where no landmarks were looked for, the face is a square of the photo.
            is_square = row.landmarks is None
            mask = hole_in_face(hole, None if is_square else matrix, self._size, file)
            target = Measurement(row.id, face, mask, Inpainting())
            return PhotoTask(key, row.id, row.path, target, matrix, hole, "file")
        target = Measurement(row.id, face, *self._masks.task(row.id, self._size))
        return PhotoTask(key, row.id, row.path, target, matrix, None, self._masks.name)

    def _mask_file(self, row: Any) -> Path:
        return self._mask_files / PurePosixPath(row.path).with_suffix(".png")


def rejected(face_id: str, error: FacefillError) -> Row:
    """Describe a photo or face that is not completed, with the reason."""
    reason = error.reason if isinstance(error, PhotoError) else "mask"
    return {
        "id": face_id,
        "status": "rejected",
        "reason": reason,
        "detail": str(error),
    }
