"""Alignment of one photo in any process: read, find faces, crop, write.

Synopsis::

    align = AlignPhoto(job, job.settings)
    row = align(("Ann/0001.jpg", sha256))

A photo that cannot be used is a row with a reason, never an exception. The row of
a photo has an entry for each of its faces in ``faces``.
"""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from facefill.errors import PhotoError
from facefill.imaging import photos, pictures
from facefill.parameters import AlignOptions
from facefill.preparation import detection
from facefill.preparation.extraction import (
    Extraction,
    Face,
    extract,
    landmark_model,
    load_models,
)
from facefill.preparation.inspection import Item
from facefill.preparation.naming import face_id, tree_name
from facefill.runtime.files import write_bytes
from facefill.runtime.result_cache import Row

COLUMNS: dict[str, str | int | None] = {
    "id": "",
    "path": "",
    "status": "",
    "reason": "",
    "num_faces": 0,
    "box": None,
    "landmarks": None,
    "matrix": None,
    "face": "",
    "face_sha256": "",
    "photo_sha256": "",
    "width": 0,
    "height": 0,
    "settings": "",
}
# Parameters that no face depends on.
_INDECISIVE = {"workers", "cluster", "chunk_size", "timeout_s"}


@dataclass(frozen=True)
class AlignJob:
    """Folders and settings of an alignment, sent to every worker.

    Attributes:
        photos: Folder that the photos' ids are relative to.
        faces: Folder that the faces are written to.
        size: Side of a face in pixels.
        options: How faces are found and cropped.
    """

    photos: Path
    faces: Path
    size: int
    options: AlignOptions

    @property
    def settings(self) -> str:
        """Hash all that decides how a given photo comes out."""
        options = self.options
        if options.method != "openface":
            decisive: dict[str, object] = {"method": options.method}
        else:
            model = landmark_model(options)
            decisive = options.model_dump(exclude=_INDECISIVE) | {
                "landmark_model": detection.landmark_model_sha256(model)
            }
        if options.detector == "cascade":
            decisive["cascade"] = detection.CASCADE
        decisive["size"] = self.size
        text = json.dumps(decisive, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class AlignPhoto:
    """Aligns photos of a job: an object that any process can be sent."""

    job: AlignJob
    settings: str

    def start(self) -> None:
        """Build the models, and leave the other cores to the other processes."""
        cv2.setNumThreads(1)
        load_models(self.job.options)

    def __call__(self, item: Item) -> Row:
        """Align a photo."""
        return align_photo(item, self.job, self.settings)

    def failed(self, item: Item, reason: str) -> Row:
        """Reject a photo that killed its process, or took it too long."""
        _delete_others(item[0], self.job, Extraction(0, "", []))
        row = new_row(item, self.settings) | {"reason": reason}
        return row | {"timeout_s": self.job.options.timeout_s}


def row_key(item: Item, settings: str) -> str:
    """Name the row of a photo by all that its outcome depends on."""
    photo_id, sha256 = item
    return f"{sha256} {settings} {photo_id}"


def new_row(item: Item, settings: str) -> Row:
    """Begin the row of a photo."""
    photo_id, sha256 = item
    return {
        "key": row_key(item, settings),
        "path": photo_id,
        "photo_sha256": sha256,
        "settings": settings,
        "reason": "",
        "num_faces": 0,
        "faces": [],
    }


def face_path(faces: Path, photo_id: str, number: int) -> Path:
    """Path of a face of a photo, below the folder of faces."""
    return faces / tree_name(face_id(photo_id, number))


def align_photo(item: Item, job: AlignJob, settings: str) -> Row:
    """Find, crop and write the faces of one photo.

    Returns:
        Its row, with a reason if it has no face or cannot be used.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    photo_id, sha256 = item
    row = new_row(item, settings)
    try:
        content = photos.read_known(job.photos / photo_id, sha256)
        photo = photos.decode_photo(content, sys.maxsize)
        extracted = extract(photo, job.options, job.size)
    except (PhotoError, MemoryError) as error:
        _delete_others(photo_id, job, Extraction(0, "", []))
        return row | {"reason": getattr(error, "reason", "out_of_memory")}
    paths = _delete_others(photo_id, job, extracted)
    height, width = photo.shape[:2]
    return row | {
        "reason": extracted.reason,
        "num_faces": extracted.num_faces,
        "width": width,
        "height": height,
        "faces": [
            _describe(face) | _write(face, path)
            for face, path in zip(extracted.faces, paths, strict=True)
        ],
    }


def _delete_others(photo_id: str, job: AlignJob, extracted: Extraction) -> list[Path]:
    """Delete faces of what the photo, or the settings, were before.

    Returns:
        Where each face of now is to be written.
    """
    paths = []
    for number, face in enumerate(extracted.faces, start=1):
        paths.append(face_path(job.faces, photo_id, number))
        if face.pixels is None:
            paths[-1].unlink(missing_ok=True)
    number = len(paths) + 1
    while (further := face_path(job.faces, photo_id, number)).exists():
        further.unlink()
        number += 1
    return paths


def _describe(face: Face) -> Row:
    return {
        "reason": face.reason,
        "box": None if face.box is None else list(face.box),
        "landmarks": _listed(face.landmarks),
        "matrix": _listed(face.matrix),
    }


def _listed(array: NDArray[Any] | None) -> list[Any] | None:
    return None if array is None else list(array.ravel().tolist())


def _write(face: Face, path: Path) -> Row:
    if face.pixels is None:
        return {}
    content = pictures.encode_png(face.pixels)
    # Its hash is in the row, and no later run trusts a face of another.
    write_bytes(path, content, synced=False)
    return {"face_sha256": hashlib.sha256(content).hexdigest()}
