"""Inputs of a completion: the face of each photo and the mask that is planned for it.

A mask is decided once, by the plan (``choose``), and read as planned (``read``): a file
that was replaced in between is noticed by its hash.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from facefill.errors import MaskError, PhotoError
from facefill.imaging.degradations import Inpainting
from facefill.imaging.mask_files import hole_in_face, read_hole
from facefill.imaging.pictures import read_png
from facefill.inversion.masking import MaskMaker
from facefill.inversion.measurement import Measurement
from facefill.parameters import CompleteOptions, MaskName
from facefill.runtime.files import file_sha256

logger = logging.getLogger(__name__)

Row = dict[str, Any]

FROM_FILE = "file"
"""Name of a mask that is read from a file."""


@dataclass(frozen=True)
class Folders:
    """Folders that a completion reads and writes.

    Attributes:
        photos: Damaged photos.
        masks: Mask files, if any; need not exist.
        faces: Aligned faces.
        output: Receives a folder for each photo.
        records: Cache of finished photos.
    """

    photos: Path
    masks: Path
    faces: Path
    output: Path
    records: Path


@dataclass(frozen=True)
class MaskChoice:
    """Mask that is planned for a photo.

    Attributes:
        name: ``file``, or the name of the shape.
        file: Path of the mask file below the folder of masks; empty for a shape.
        sha256: Hash of the mask file; empty for a shape.
    """

    name: str
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class PhotoTask:
    """One face to complete.

    Attributes:
        key: Hash of all that its completion depends on.
        face_id: Path of the photo, with ``#2`` for its second face.
        photo_id: Path of the photo, relative to the folder of photos.
        photo_sha256: Hash of the photo that the face was aligned from.
        target: Aligned face and what is known of it.
        matrix: Map from photo to face, (2, 3).
        photo_hole: Hole in the photo itself, bool (height, width), True = hole; None
            unless a file gives it.
        mask_name: ``file``, or the name of the shape.
    """

    key: str
    face_id: str
    photo_id: str
    photo_sha256: str
    target: Measurement
    matrix: np.ndarray
    photo_hole: np.ndarray | None
    mask_name: str


class TaskReader:
    """Reads photos to complete, one at a time."""

    def __init__(
        self,
        faces: Path,
        mask_files: Path,
        options: CompleteOptions,
        seed: int,
        size: int,
    ) -> None:
        """Store the folders and what masks depend on.

        Args:
            faces: Folder of the aligned faces.
            mask_files: Folder of the mask files; need not exist.
            options: Sizes of the shapes, and polarity of the files.
            seed: Seed of random shapes.
            size: Side of a face in pixels.
        """
        self.size = size
        self._faces = faces
        self._mask_files = mask_files
        self._options = options
        self._seed = seed

    def face(self, row: Any) -> np.ndarray:
        """Read a photo's aligned face, uint8 (S, S, 3).

        Args:
            row: Row of the alignment manifest.

        Raises:
            PhotoError: If it has none, with the reason of the alignment.
        """
        if row.status != "aligned":
            raise PhotoError(row.reason)
        return read_png(self._faces / row.face)

    def choose(self, row: Any, shape: MaskName) -> MaskChoice:
        """Choose a photo's mask: that of its file, or else a shape.

        Raises:
            MaskError: If there is a file that cannot be read.
        """
        file = PurePosixPath(row.path).with_suffix(".png").as_posix()
        path = self._mask_files / file
        if not path.is_file():
            return MaskChoice(shape)
        try:
            return MaskChoice(FROM_FILE, file, file_sha256(path))
        except OSError as error:
            raise MaskError(f"mask {path} cannot be read ({error.strerror})") from error

    def read(self, row: Any, mask: MaskChoice, key: str) -> PhotoTask:
        """Read a photo's face and its planned mask.

        Args:
            row: Row of the alignment manifest, or of the plan.
            mask: Planned mask.
            key: Key of the result.

        Raises:
            PhotoError: If it has no face, with the reason of the alignment.
            MaskError: If its mask cannot be used, or changed since it was planned.
        """
        face = self.face(row)
        matrix = np.array(row.matrix, np.float64).reshape(2, 3)
        if mask.file:
            path = self._mask_files / mask.file
            hole = self._read_hole(path, row, mask.sha256)
            # Where no landmarks were looked for, the face is a square of the photo.
            is_square = row.landmarks is None
            known = hole_in_face(hole, None if is_square else matrix, self.size, path)
            target = Measurement(row.id, face, known, Inpainting())
        else:
            hole = None
            maker = MaskMaker(mask.name, self._options, self._seed)  # type: ignore[arg-type]  # a name that was valid when planned
            target = Measurement(row.id, face, *maker.task(row.id, self.size))
        return PhotoTask(
            key=key,
            face_id=row.id,
            photo_id=row.path,
            photo_sha256=row.photo_sha256,
            target=target,
            matrix=matrix,
            photo_hole=hole,
            mask_name=mask.name,
        )

    def _read_hole(self, path: Path, row: Any, sha256: str) -> np.ndarray:
        try:
            return read_hole(path, (row.height, row.width), self._options.mask_files)
        except OSError as error:
            raise MaskError(f"mask {path} cannot be read ({error.strerror})") from error
        finally:
            # After reading, so that what was read is what was planned.
            _require_unchanged(path, sha256)


def _require_unchanged(path: Path, sha256: str) -> None:
    try:
        found = file_sha256(path)
    except OSError:
        found = ""
    if found != sha256:
        raise MaskError(
            f"mask {path} changed since the plan was made; run the same command again"
        )


def task_key(row: Any, settings: str) -> str:
    """Hash all that a photo's completion depends on.

    Args:
        row: Row of the plan.
        settings: Hash of what the search of every photo depends on.
    """
    mask = row.mask_sha256 or row.mask
    parts = [row.id, row.photo_sha256, row.face_sha256, mask, settings]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def rejected(face_id: str, error: Exception) -> Row:
    """Make the row of a photo that is not completed.

    An error that is neither the photo's nor the mask's is a defect met by one photo:
    it is logged with its traceback, and is the reason ``failed``.

    Args:
        face_id: Id of the photo, or of one of its faces.
        error: Error that its completion met.
    """
    reason, detail = "failed", f"{type(error).__name__}: {error}"
    if isinstance(error, PhotoError):
        reason, detail = error.reason, str(error)
    elif isinstance(error, MaskError):
        reason, detail = "mask", str(error)
    else:
        logger.error("%s failed; the other photos go on", face_id, exc_info=error)
    return rejected_row(face_id, reason, detail)


def rejected_row(face_id: str, reason: str, detail: str) -> Row:
    """Make the row of a photo that is not completed, for a reason that is known."""
    return {"id": face_id, "status": "rejected", "reason": reason, "detail": detail}
