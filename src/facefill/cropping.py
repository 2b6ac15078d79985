"""One photo to one aligned face, in whatever process: read, find, crop, write.

Synopsis::

    align_chunk = AlignChunk(job, job.settings)
    rows = align_chunk([("Ann/0001.jpg", sha256)])

A photo that cannot be used is a row with a reason, never an exception.
"""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facefill import alignment, detection, images
from facefill.errors import PhotoError
from facefill.files import write_bytes
from facefill.naming import tree_name
from facefill.parameters import AlignOptions
from facefill.records import Row

COLUMNS: dict[str, str | int | None] = {
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
        decisive = {
            "landmarks": self.options.landmarks,
            "upsample": self.options.upsample,
            "landmark_model": detection.landmark_model_sha256(
                self.options.landmark_model
            ),
            "size": self.size,
        }
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


def align_photo(photo_id: str, sha256: str, job: Job, settings: str) -> Row:
    """Find, crop and write the largest face of one photo.

    Returns:
        Its row, with a reason if there is no face or no usable photo.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    row = new_row(photo_id, sha256, settings)
    try:
        photo = _read(job.photos / photo_id, sha256)
        row |= _align(photo, job)
        face = row.pop("pixels")
    except (PhotoError, MemoryError) as error:
        # The face of what the photo was before.
        (job.faces / tree_name(photo_id)).unlink(missing_ok=True)
        return row | {"reason": getattr(error, "reason", "out_of_memory")}
    content = images.encode_png(face)
    row["face"] = tree_name(photo_id)
    row["face_sha256"] = hashlib.sha256(content).hexdigest()
    write_bytes(job.faces / row["face"], content)
    return row | {"status": "aligned"}


def _read(path: Path, sha256: str) -> NDArray[np.uint8]:
    # Its size was judged when it was ingested, and it is the same photo still.
    content = images.read_content(path, sys.maxsize)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise PhotoError("changed", f"{path} changed while it was being prepared")
    return images.decode_photo(content, sys.maxsize)


def _align(photo: NDArray[np.uint8], job: Job) -> Row:
    options = job.options
    boxes = detection.find_faces(photo, options.upsample)
    if not boxes:
        raise PhotoError("no_face")
    box = detection.largest(boxes)
    landmarks = detection.find_landmarks(photo, box, options.landmark_model)
    matrix = alignment.affine(landmarks, options.landmarks, job.size)
    # Three landmarks on one line determine no map.
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:, :2])) < 1e-9:
        raise PhotoError("degenerate")
    height, width = photo.shape[:2]
    return {
        "num_faces": len(boxes),
        "box": list(box),
        "landmarks": landmarks.ravel().tolist(),
        "matrix": matrix.ravel().tolist(),
        "width": width,
        "height": height,
        "pixels": alignment.warp(photo, matrix, job.size),
    }


def new_row(photo_id: str, sha256: str, settings: str) -> Row:
    """Begin the row of a photo: rejected, for a reason to be added."""
    return {
        "key": f"{sha256} {settings} {photo_id}",
        "path": photo_id,
        "status": "rejected",
        "reason": "",
        "num_faces": 0,
        "photo_sha256": sha256,
        "settings": settings,
    }
