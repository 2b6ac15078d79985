"""Photos to aligned faces: every photo one row, done work never done again.

Work is cut into chunks of photo names, which any process can do: it reads the
photos and writes the faces itself, and returns the rows. Rows are recorded as
their chunk ends, so a kill loses the chunks in flight and no more. A record is
trusted only if the photo's hash and the settings are those of now, and the face
that it speaks of is there with the hash that it had.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill import alignment, detection, images
from facefill.errors import DataError, PhotoError
from facefill.files import file_sha256, remove_litter, write_bytes
from facefill.naming import tree_name
from facefill.parameters import AlignOptions
from facefill.progress import progress
from facefill.records import Records, Row, as_table
from facefill.reports import describe_reasons

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
# What says nothing about the photo's pixels, and may be otherwise next time.
_TRANSIENT = ("changed", "unopenable", "out_of_memory", "crashed")

# A photo's id and the SHA-256 that ingestion found.
Chunk = list[tuple[str, str]]
MapChunks = Callable[["AlignChunk", Sequence[Chunk]], Generator[list[Row], None, None]]


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


def align_photos(
    manifest: pd.DataFrame, job: Job, records: Records, map_chunks: MapChunks
) -> pd.DataFrame:
    """Align every photo of a manifest that is not aligned yet.

    Args:
        manifest: From ``ingestion.ingest``.
        job: Folders and settings.
        records: Rows of earlier runs; updated as chunks end.
        map_chunks: Calls a function with each chunk, anywhere, in any order.

    Returns:
        One row a photo, sorted by path: ``path``, ``status`` (``aligned`` or
        ``rejected``), ``reason``, ``num_faces``, ``box`` (left, top, right,
        bottom), ``landmarks`` (68 times x, y), ``matrix`` (the six numbers of the
        2x3 map from photo to crop), ``face`` (path below ``job.faces``),
        ``face_sha256``, ``photo_sha256``, ``width``, ``height`` of the photo, and
        ``settings``.

    Raises:
        DataError: If no photo has a face, with the reasons counted.
    """
    usable = manifest[manifest["status"] == "ok"]
    wanted = dict(zip(usable["path"], usable["sha256"], strict=True))
    settings = job.settings
    known = records.load()
    rows = _finished(wanted, known, job.faces, settings)
    _remove_stale(known.values(), wanted, job.faces)
    todo = [(path, sha) for path, sha in wanted.items() if path not in rows]
    if todo:
        _remove_all_litter(job.faces)
    results = map_chunks(AlignChunk(job, settings), _chunks(todo, job.options))
    with (
        closing(results),
        progress(len(wanted), "aligning", unit="photos", done=len(rows)) as advance,
    ):
        for new_rows in results:
            records.add(new_rows)
            rows.update({row["path"]: row for row in new_rows})
            advance(len(new_rows))
    if rows.keys() != wanted.keys():
        raise RuntimeError(f"{len(wanted)} photos, but rows of {len(rows)}")
    records.keep(row for path, row in sorted(rows.items()))
    every = [*rows.values(), *_rejected(manifest, settings)]
    table = as_table(sorted(every, key=itemgetter("path")), COLUMNS)
    _refuse_no_face(table)
    return table


def _chunks(todo: Chunk, options: AlignOptions) -> list[Chunk]:
    size = options.chunk_size
    return [todo[start : start + size] for start in range(0, len(todo), size)]


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
            _row(path, sha, self.settings) | {"reason": "crashed"}
            for path, sha in chunk
        ]


def align_photo(photo_id: str, sha256: str, job: Job, settings: str) -> Row:
    """Find, crop and write the largest face of one photo.

    Returns:
        Its row, with a reason if there is no face or no usable photo.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    row = _row(photo_id, sha256, settings)
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


def _row(photo_id: str, sha256: str, settings: str) -> Row:
    return {
        "key": f"{sha256} {settings} {photo_id}",
        "path": photo_id,
        "status": "rejected",
        "reason": "",
        "num_faces": 0,
        "photo_sha256": sha256,
        "settings": settings,
    }


def _finished(
    wanted: dict[str, str], known: dict[str, Row], faces: Path, settings: str
) -> dict[str, Row]:
    rows = {}
    for photo_id, sha256 in wanted.items():
        row = known.get(f"{sha256} {settings} {photo_id}")
        if row and _is_valid(row, faces):
            rows[photo_id] = row
    return rows


def _is_valid(row: Row, faces: Path) -> bool:
    if row["status"] != "aligned":
        return row["reason"] not in _TRANSIENT
    try:
        sha256 = file_sha256(faces / tree_name(row["path"]))
    except OSError:
        return False
    return sha256 == str(row["face_sha256"])


def _remove_stale(known: Iterable[Row], wanted: dict[str, str], faces: Path) -> None:
    """Delete faces of photos that are gone: those that we recorded, no others."""
    kept = {tree_name(photo_id) for photo_id in wanted}
    root = faces.resolve()
    for row in known:
        name = tree_name(row["path"])
        if (
            row["status"] == "aligned"
            and name not in kept
            and (faces / name).resolve().is_relative_to(root)
        ):
            (faces / name).unlink(missing_ok=True)


def _remove_all_litter(folder: Path) -> None:
    remove_litter(folder)
    for child in folder.rglob("*/"):
        remove_litter(child)


def _rejected(manifest: pd.DataFrame, settings: str) -> Iterator[Row]:
    rejected = manifest[manifest["status"] != "ok"]
    for path, reason, sha256 in zip(
        rejected["path"], rejected["reason"], rejected["sha256"], strict=True
    ):
        yield _row(path, sha256, settings) | {"reason": reason}


def _refuse_no_face(table: pd.DataFrame) -> None:
    if (table["status"] == "aligned").any():
        return
    raise DataError(
        f"no face was found in any of {len(table)} files ({describe_reasons(table)}); "
        "add photos with frontal faces, or raise align.upsample to find smaller ones"
    )
