"""Alignment of one photo in any process: read, find faces, crop, write.

Synopsis::

    align = AlignPhoto(job, job.settings)
    row = align(AlignItem("Ann/0001.jpg", sha256))

A photo that cannot be used is a row with a reason, never an exception. The row of
a photo has an entry for each of its faces in ``faces``.
"""

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
from numpy.typing import NDArray

from facefill.errors import MaskError, PhotoError
from facefill.imaging import photos, pictures
from facefill.imaging.holes import HoleReader
from facefill.imaging.masks import Mask
from facefill.parameters import AlignOptions
from facefill.preparation import detection
from facefill.preparation.extraction import (
    Extraction,
    Face,
    extract,
    landmark_model,
    load_models,
)
from facefill.preparation.hints import read_hint
from facefill.preparation.hole_alignment import Hint
from facefill.preparation.naming import face_id, tree_name
from facefill.runtime.files import file_sha256, write_bytes
from facefill.runtime.remembered import key_of
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


COLOURS = "srgb"
"""In a row: the colours of a photo that has a profile are converted."""

CROPS = "averaged"
"""In a row: faces much larger than their crop are averaged before they are sampled."""


class AlignItem(NamedTuple):
    """A photo to align.

    Attributes:
        photo_id: Path below the folder of photos.
        sha256: Hash that ingestion found.
        mask_file: Path of its mask below the folder of masks; empty if it has none.
        mask_sha256: Hash of the mask file.
        hint_file: Path of its hint below the folder of hints; empty if it has none.
        hint_sha256: Hash of the hint.
    """

    photo_id: str
    sha256: str
    mask_file: str = ""
    mask_sha256: str = ""
    hint_file: str = ""
    hint_sha256: str = ""


@dataclass(frozen=True)
class Damage:
    """Where the holes of damaged photos are given, and hints on their faces.

    Attributes:
        masks: Folder of the mask files.
        hints: Folder of the hints.
        holes: Reads a hole.
    """

    masks: Path
    hints: Path
    holes: HoleReader


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
        damage: Where holes of the photos are given; None if they are whole.
    """

    photos: Path
    faces: Path
    size: int
    options: AlignOptions
    damage: Damage | None = None

    @property
    def settings(self) -> str:
        """Hash all that decides how a given photo comes out.

        Of photos with holes facefill's own code and packaged models are a part, since
        another version may find their faces elsewhere. Whole ones, which may be
        millions, stay aligned.
        """
        options = self.options
        if options.method != "openface":
            decisive: dict[str, object] = {"method": options.method}
        else:
            model = landmark_model(options)
            decisive = options.model_dump(exclude=_INDECISIVE) | {
                "landmark_model": detection.landmark_model_sha256(model)
            }
        if options.border == "black":
            # Versions that knew no other border say nothing of it, and are right.
            decisive.pop("border", None)
        if options.detector == "cascade":
            decisive["cascade"] = detection.CASCADE
        decisive["size"] = self.size
        if self.damage:
            return key_of(decisive, asdict(self.damage.holes))[:16]
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

    def __call__(self, item: AlignItem) -> Row:
        """Align a photo."""
        return align_photo(item, self.job, self.settings)

    def failed(self, item: AlignItem, reason: str) -> Row:
        """Reject a photo that killed its process, or took it too long."""
        _delete_others(item.photo_id, self.job, Extraction(0, "", []))
        row = new_row(item, self.settings) | {"reason": reason}
        return row | {"timeout_s": self.job.options.timeout_s}


def row_key(item: AlignItem, settings: str) -> str:
    """Name the row of a photo by all that its outcome depends on."""
    key = f"{item.sha256} {settings} {item.photo_id}"
    damage = f" {item.mask_sha256} {item.hint_sha256}".rstrip()
    return f"{key}{damage}" if damage else key


def new_row(item: AlignItem, settings: str) -> Row:
    """Begin the row of a photo."""
    return {
        "key": row_key(item, settings),
        "path": item.photo_id,
        "photo_sha256": item.sha256,
        "settings": settings,
        "colours": COLOURS,
        "crops": CROPS,
        "reason": "",
        "num_faces": 0,
        "faces": [],
    }


def face_path(faces: Path, photo_id: str, number: int) -> Path:
    """Path of a face of a photo, below the folder of faces."""
    return faces / tree_name(face_id(photo_id, number))


def align_photo(item: AlignItem, job: AlignJob, settings: str) -> Row:
    """Find, crop and write the faces of one photo.

    Returns:
        Its row, with a reason if it has no face or cannot be used.

    Raises:
        ModelError: If the landmark model cannot be used.
    """
    photo_id = item.photo_id
    row = new_row(item, settings)
    try:
        content = photos.read_known(job.photos / photo_id, item.sha256)
        photo = photos.decode_photo(content, sys.maxsize)
        hole, hint = _damage(item, job.damage, photo, content)
        extracted = extract(photo, job.options, job.size, hole, hint)
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


def _damage(
    item: AlignItem, damage: Damage | None, photo: photos.Pixels, content: bytes
) -> tuple[Mask | None, Hint | None]:
    """Read the hole of a photo, and the hint on its face, where they are given.

    A mask that cannot be used hides nothing here; the completion says why.

    Raises:
        PhotoError: ``hint``, if the hint cannot be used; ``changed`` or ``unopenable``,
            if a file is not what it was when it was found.
    """
    if damage is None:
        return None, None
    mask = hint = None
    if item.mask_file:
        mask = _unchanged(damage.masks / item.mask_file, item.mask_sha256)
    if item.hint_file:
        hint = read_hint(_unchanged(damage.hints / item.hint_file, item.hint_sha256))
    try:
        return damage.holes.read(photo, content, mask), hint
    except MaskError:
        return None, hint


def _unchanged(file: Path, sha256: str) -> Path:
    try:
        is_same = file_sha256(file) == sha256
    except OSError as error:
        raise PhotoError("unopenable", f"{file}: {error}") from error
    if not is_same:
        raise PhotoError("changed", f"{file} has changed since it was found")
    return file


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
