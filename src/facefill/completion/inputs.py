"""Inputs of a completion: each photo with its faces and the mask planned for it.

A mask is decided once, by the plan, and read as planned: a file that was replaced in
between is noticed by its hash.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facefill.completion.faces import (
    AlignedFace,
    FaceInPhoto,
    face_with_hole,
    face_with_task,
    require_filler,
)
from facefill.errors import MaskError, PhotoError
from facefill.imaging.holes import hole_reader
from facefill.imaging.masks import Mask
from facefill.imaging.photos import decode_photo, read_known
from facefill.imaging.pictures import read_png
from facefill.inversion.masking import MaskMaker
from facefill.parameters import CompleteOptions, IngestOptions
from facefill.parameters.choices import HoleSource
from facefill.runtime.files import file_sha256

logger = logging.getLogger(__name__)

HOLES: dict[HoleSource, str] = {"files": "file", "alpha": "alpha", "colour": "colour"}
"""Name of the mask of a photo that has a hole of its own, by where it is given."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Folders:
    """Folders that a completion reads.

    Attributes:
        photos: Damaged photos.
        masks: Mask files, if any; need not exist.
        faces: Aligned faces.
    """

    photos: Path
    masks: Path
    faces: Path


@dataclass(frozen=True)
class Results:
    """Folders that a completion writes.

    Attributes:
        output: Receives a folder for each photo.
        records: Cache of finished photos.
    """

    output: Path
    records: Path


@dataclass(frozen=True)
class MaskChoice:
    """Mask that is planned for a photo.

    Attributes:
        name: ``file``, ``alpha`` or ``colour``, where the photo has a hole of its own,
            or the name of a shape.
        file: Path of the mask file below the folder of masks; empty for any other.
        sha256: Hash of the mask file; empty for any other.
    """

    name: str
    file: str = ""
    sha256: str = ""

    @property
    def is_shape(self) -> bool:
        """Whether only the aligned face has a hole, and not the photo."""
        return self.name not in HOLES.values()


@dataclass(frozen=True)
class PhotoTask:
    """One photo to complete.

    Attributes:
        key: Hash of all that its completion depends on.
        photo_id: Path of the photo, relative to the folder of photos.
        photo_sha256: Hash of the photo that its faces were aligned from.
        faces: Faces to complete, the largest first, each named by its id: the path of
            the photo, with ``#2`` for its second face. None if its hole touches none.
        hole: Hole of the photo, bool (height, width), True = hole; None if only the
            face has one.
        mask_name: As in ``MaskChoice``.
    """

    key: str
    photo_id: str
    photo_sha256: str
    faces: tuple[FaceInPhoto, ...]
    hole: Mask | None
    mask_name: str

    @property
    def ids(self) -> list[str]:
        """Ids of its rows in the table: those of its faces, or its own."""
        return [face.face_id for face in self.faces] or [self.photo_id]


class TaskReader:
    """Reads photos to complete, one at a time.

    Attributes:
        size: Side of a face in pixels.
        source: Where holes of photos are given.
    """

    def __init__(
        self,
        folders: Folders,
        options: CompleteOptions,
        limits: IngestOptions,
        seed: int,
        size: int,
    ) -> None:
        """Store the folders and what masks depend on.

        Args:
            folders: Folders of the completion.
            options: Sizes of the shapes, and how holes are read.
            limits: Limits of photos, which are those of mask files too.
            seed: Seed of random shapes.
            size: Side of a face in pixels.
        """
        self.size = size
        self.source = options.hole_from
        self._folders = folders
        self._options = options
        self._limits = limits
        self._seed = seed
        self._holes = hole_reader(options, limits)

    def face(self, row: Any) -> np.ndarray:
        """Read an aligned face, uint8 (S, S, 3).

        Args:
            row: Row of the alignment manifest.

        Raises:
            PhotoError: If there is none, with the reason of the alignment.
        """
        if not is_aligned(row):
            raise PhotoError(row.reason)
        return read_png(self._folders.faces / row.face)

    def read(self, rows: Sequence[Any], mask: MaskChoice, key: str) -> PhotoTask:
        """Read the faces of a photo and its planned mask.

        Args:
            rows: Rows of the photo in the alignment manifest, or in the plan.
            mask: Planned mask.
            key: Key of the result.

        Raises:
            PhotoError: If it has no face and needs one, with the reason of the
                alignment, or if it cannot be read, or has changed.
            MaskError: If its mask cannot be used, or changed since it was planned.
        """
        first = rows[0]
        aligned = [row for row in rows if is_aligned(row)]
        # What alignment has not decoded, or died of, is not decoded here either.
        if not aligned and (mask.is_shape or not first.width):
            raise PhotoError(first.reason)
        hole = None if mask.is_shape else self._read_hole(first, mask)
        found = [self._face_in_photo(row, hole, mask) for row in aligned]
        faces = tuple(face for face in found if face is not None)
        reason = "" if aligned else first.reason
        require_filler(faces, reason, self._options.outside)
        return PhotoTask(key, first.path, first.photo_sha256, faces, hole, mask.name)

    def _face_in_photo(
        self, row: Any, hole: Mask | None, mask: MaskChoice
    ) -> FaceInPhoto | None:
        """Read a face; None if the photo's hole does not touch it."""
        matrix = np.array(row.matrix, np.float64).reshape(2, 3)
        # Where no landmarks were looked for, the face is a square of the photo.
        face = AlignedFace(row.id, self.face(row), matrix, row.landmarks is None)
        if hole is not None:
            return face_with_hole(face, hole)
        maker = MaskMaker(mask.name, self._options, self._seed)  # type: ignore[arg-type]  # a name that was valid when planned
        task = maker.task(row.id, self.size)
        return face_with_task(face, task, (row.height, row.width))

    def _read_hole(self, row: Any, mask: MaskChoice) -> Mask:
        path = self._folders.masks / mask.file if mask.file else None
        content = read_known(self._folders.photos / row.path, row.photo_sha256)
        photo = decode_photo(content, self._limits.max_pixels)
        try:
            hole = self._holes.read(photo, content, path)
        except OSError as error:
            raise MaskError(f"mask {path} cannot be read ({error.strerror})") from error
        finally:
            # After reading, so that what was read is what was planned.
            if path is not None:
                _require_unchanged(path, mask.sha256)
        assert hole is not None  # for mypy: a photo with this mask has one
        return hole


def is_aligned(row: Any) -> bool:
    """Whether a row of the alignment is a face."""
    return bool(row.status == "aligned")


def _require_unchanged(path: Path, sha256: str) -> None:
    try:
        found = file_sha256(path)
    except OSError:
        found = ""
    if found != sha256:
        raise MaskError(
            f"mask {path} changed since the plan was made; run the same command again"
        )


def task_key(rows: Sequence[Any], settings: str) -> str:
    """Hash all that a photo's completion depends on.

    Args:
        rows: Rows of the photo in the plan.
        settings: Hash of what the search of every photo depends on.
    """
    first = rows[0]
    mask = first.mask_sha256 or first.mask
    faces = [[row.id, row.face_sha256, row.settings] for row in rows]
    parts = [first.path, first.photo_sha256, mask, faces, settings]
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
