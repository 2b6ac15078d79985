"""One photo to its aligned faces, in whatever process: read, crop, write.

Synopsis::

    align_chunk = AlignChunk(job, job.settings)
    rows = align_chunk([("Ann/0001.jpg", sha256)])

A photo that cannot be used is a row with a reason, never an exception. The row of
a photo has an entry for each of its faces in ``faces``.
"""

import hashlib
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facefill import detection, images
from facefill.errors import PhotoError
from facefill.extraction import Extraction, Face, extract, landmark_model
from facefill.files import write_bytes
from facefill.naming import face_id, tree_name
from facefill.parameters import AlignOptions
from facefill.records import Row

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
_INDECISIVE = {"workers", "cluster", "chunk_size"}
# A photo's id and the SHA-256 that ingestion found.
Chunk = list[tuple[str, str]]


@dataclass(frozen=True)
class Job:
    """What a worker must know beside the names of its photos.

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
        decisive["size"] = self.size
        text = json.dumps(decisive, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class AlignChunk:
    """Aligns chunks of a job: an object that any process can be sent."""

    job: Job
    settings: str

    def __call__(self, chunk: Chunk) -> list[Row]:
        """Align the photos of a chunk, one row each."""
        return [align_photo(path, sha, self.job, self.settings) for path, sha in chunk]

    def split(self, chunk: Chunk) -> list[Chunk]:
        """Cut a chunk that killed its process into single photos."""
        return [[photo] for photo in chunk]

    def crashed(self, chunk: Chunk) -> list[Row]:
        """Reject the photo that kills every process that touches it."""
        return [
            new_row(path, sha, self.settings) | {"reason": "crashed"}
            for path, sha in chunk
        ]


def new_row(photo_id: str, sha256: str, settings: str) -> Row:
    """Begin a row; its key says all that the outcome depends on."""
    return {
        "key": f"{sha256} {settings} {photo_id}",
        "path": photo_id,
        "photo_sha256": sha256,
        "settings": settings,
        "reason": "",
        "num_faces": 0,
        "faces": [],
    }


def face_path(faces: Path, photo_id: str, number: int) -> Path:
    """Say where a face of a photo is written, below the folder of faces."""
    return faces / tree_name(face_id(photo_id, number))


def align_photo(photo_id: str, sha256: str, job: Job, settings: str) -> Row:
    """Find, crop and write the faces of one photo.

    Returns:
        Its row, with a reason if it has no face or cannot be used.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    row = new_row(photo_id, sha256, settings)
    try:
        photo = _read(job.photos / photo_id, sha256)
        extracted = extract(photo, job.options, job.size)
    except (PhotoError, MemoryError) as error:
        _delete_others(photo_id, job, Extraction(0, "", []))
        return row | {"reason": getattr(error, "reason", "out_of_memory")}
    _delete_others(photo_id, job, extracted)
    height, width = photo.shape[:2]
    return row | {
        "reason": extracted.reason,
        "num_faces": extracted.num_faces,
        "width": width,
        "height": height,
        "faces": [
            _describe(face) | _write(face, face_path(job.faces, photo_id, number))
            for number, face in enumerate(extracted.faces, start=1)
        ],
    }


def _read(path: Path, sha256: str) -> NDArray[np.uint8]:
    # Its size was judged when it was ingested, and it is the same photo still.
    content = images.read_content(path, sys.maxsize)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise PhotoError("changed", f"{path} changed while it was being prepared")
    return images.decode_photo(content, sys.maxsize)


def _delete_others(photo_id: str, job: Job, extracted: Extraction) -> None:
    """Delete faces of what the photo, or the settings, were before."""
    written = [face.pixels is not None for face in extracted.faces]
    for number in itertools.count(1):
        path = face_path(job.faces, photo_id, number)
        if number > len(written) and not path.exists():
            return
        if number > len(written) or not written[number - 1]:
            path.unlink(missing_ok=True)


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
    content = images.encode_png(face.pixels)
    # Its hash is in the row, and no later run trusts a face of another.
    write_bytes(path, content, synced=False)
    return {"face_sha256": hashlib.sha256(content).hexdigest()}
