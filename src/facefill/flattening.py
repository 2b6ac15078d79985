"""Aligned faces to one training set: a flat folder, and one packed array.

Synopsis::

    faces = flatten(aligned, manifest, folder, size=64, splits=splits)
    write_face_set(Path("faces.npy"), faces)
    train = read_face_set(Path("faces.npy")).of_split("train")

The array is a plain ``.npy``, which NumPy maps into memory: training reads batches
from it without loading it, and ten million faces need no more memory than ten.
"""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from facefill.errors import DataError, PhotoError
from facefill.files import replacing, write_bytes, write_json
from facefill.images import decode_png
from facefill.naming import flat_name
from facefill.progress import progress

_NAMES = ".names.json"
_FINGERPRINT = b"facefill_images"
_FINGERPRINT_ROWS = 64
_ROWS_A_COPY = 1024


@dataclass(frozen=True)
class FaceSet:
    """Faces to train on and to evaluate with.

    Attributes:
        images: uint8 RGB of shape (num_faces, size, size, 3), often mapped from
            a file.
        table: One row a face: ``id`` (path of the photo, and ``#2`` for its second
            face), ``source`` (file in the
            flat folder), ``split`` (``train`` or ``held_out``).
    """

    images: NDArray[np.uint8]
    table: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse a table that is not of these images."""
        if len(self.images) != len(self.table):
            raise DataError(
                f"{len(self.images)} faces, but a table of {len(self.table)}"
            )

    def of_split(self, name: str) -> NDArray[np.uint8]:
        """Select the images of ``train`` or ``held_out``, in the table's order.

        ``flatten`` keeps each split in one piece, so that no pixel is copied.
        """
        rows = np.flatnonzero(np.asarray(self.table["split"] == name))
        if len(rows) == 0:
            return self.images[:0]
        if rows[-1] - rows[0] + 1 == len(rows):
            return self.images[rows[0] : rows[-1] + 1]
        return self.images[rows]


def flatten(
    aligned: Path, manifest: pd.DataFrame, faces: Path, size: int, splits: list[str]
) -> FaceSet:
    """Put every aligned face into one folder and one array.

    Args:
        aligned: Tree of faces.
        manifest: From ``preparation.align_photos``.
        faces: The flat folder; faces that it had from photos now gone are deleted.
        size: Side of a face in pixels.
        splits: Split of each of ``aligned_rows(manifest)``.

    Returns:
        The faces, by split (``train`` first) and id; the array is backed by a file
        without a name.

    Raises:
        DataError: If no face is aligned, or one is missing or of another size.
    """
    rows = aligned_rows(manifest).assign(split=splits)
    if rows.empty:
        raise DataError("no aligned face to make a training set of")
    rows = rows.sort_values(["split", "id"], ascending=[False, True])
    names = [flat_name(face_id) for face_id in rows["id"]]
    faces.mkdir(parents=True, exist_ok=True)
    _forget_others(faces, names)
    images = _unnamed_array(faces, (len(rows), size, size, 3))
    with progress(len(rows), "flattening", unit="faces") as advance:
        for index, (name, face) in enumerate(zip(names, rows["face"], strict=True)):
            content = _read_face(aligned / face)
            _place(aligned / face, content, faces / name)
            images[index] = _decode_face(aligned / face, content, size)
            advance(1)
    table = pd.DataFrame({"id": rows["id"], "source": names, "split": rows["split"]})
    return FaceSet(images, table.reset_index(drop=True))


def aligned_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Select the faces, sorted by id."""
    return manifest[manifest["status"] == "aligned"].sort_values("id")


def _read_face(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"the aligned face {path} cannot be read ({error.strerror}); "
            "run `kedro run --pipeline=prepare`"
        ) from error


def _decode_face(path: Path, content: bytes, size: int) -> NDArray[np.uint8]:
    try:
        face = decode_png(content)
    except PhotoError:
        face = np.empty((0, 0, 3), np.uint8)
    if face.shape != (size, size, 3):
        raise DataError(
            f"the aligned face {path} is damaged or not {size}x{size}; "
            "run `kedro run --pipeline=prepare`"
        )
    return face


def _place(source: Path, content: bytes, target: Path) -> None:
    """Have the face in the flat folder, as a link to the aligned one if it can be.

    Aligned faces are replaced, never written into, so a link costs no space and
    always holds the content that it was made for.
    """
    if target.exists():
        if target.samefile(source) or target.read_bytes() == content:
            return
        target.unlink()
    try:
        os.link(source, target)
    except OSError:
        write_bytes(target, content)


def _forget_others(faces: Path, names: list[str]) -> None:
    """Delete the faces that an earlier run put here and this one does not.

    Only names that we noted are ours to delete. The note is written before the
    files are, so that a killed run leaves none that is not noted.
    """
    note = faces / _NAMES
    try:
        noted = set(json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        noted = set()
    for name in sorted(noted - set(names)):
        if "/" not in name:
            (faces / name).unlink(missing_ok=True)
    write_json(note, names)


def _unnamed_array(folder: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    # The space is given back when the array is, even if the process is killed.
    with tempfile.TemporaryFile(dir=folder) as stream:
        return np.memmap(stream, np.uint8, "w+", shape=shape)


def write_face_set(path: Path, faces: FaceSet) -> None:
    """Write ``faces.npy`` and the table ``faces.parquet`` beside it.

    Both are complete before either replaces an old one. A kill between the two
    steps leaves the new array with the old table, which ``read_face_set`` refuses
    by the fingerprint of the array in the table.
    """
    table_path = path.with_suffix(".parquet")
    with replacing(path) as array_file, replacing(table_path) as table_file:
        _write_array(array_file, faces.images)
        table = pa.Table.from_pandas(faces.table, preserve_index=False)
        metadata = {_FINGERPRINT: fingerprint(faces.images).encode()}
        table = table.replace_schema_metadata((table.schema.metadata or {}) | metadata)
        pq.write_table(table, table_file)


def _write_array(path: Path, images: NDArray[np.uint8]) -> None:
    array = open_memmap(path, "w+", np.uint8, images.shape)
    for start in range(0, len(images), _ROWS_A_COPY):
        array[start : start + _ROWS_A_COPY] = images[start : start + _ROWS_A_COPY]
    array.flush()


def read_face_set(path: Path) -> FaceSet:
    """Read a training set, its array mapped from the file and not writable.

    Raises:
        DataError: If it is absent, damaged, or the two files are of two sets.
    """
    cure = "run `kedro run --pipeline=prepare`"
    table_path = path.with_suffix(".parquet")
    for part in (path, table_path):
        if not part.is_file():
            raise DataError(f"no training set: {part} does not exist; {cure}")
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
        table = pq.read_table(table_path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(
            f"the training set {path} is damaged ({error}); {cure}"
        ) from error
    expected = (table.schema.metadata or {}).get(_FINGERPRINT, b"").decode()
    if len(images) != len(table) or fingerprint(images) != expected:
        raise DataError(f"{path} and {table_path.name} do not belong together; {cure}")
    return FaceSet(images, table.to_pandas())


def fingerprint(images: NDArray[np.uint8]) -> str:
    """Hash the shape and 64 evenly spaced faces: cheap for any number of them."""
    rows = np.linspace(0, len(images) - 1, min(len(images), _FINGERPRINT_ROWS))
    digest = hashlib.sha256(repr(images.shape).encode())
    for row in rows.astype(int):
        digest.update(np.ascontiguousarray(images[row]).tobytes())
    return digest.hexdigest()
