"""Training set on disk: packed arrays of faces, and a table beside them.

Synopsis::

    write_face_set(Path("faces.npy"), flatten(...))
    train = read_face_set(Path("faces.npy")).of_split("train")

The arrays are plain ``.npy`` files, which NumPy maps into memory: training reads
batches from them without loading them, and ten million faces need no more memory
than ten. A large set is cut into several, so that no file is larger than what file
systems and copies take in one piece.
"""

import hashlib
import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import open_memmap

from facefill.errors import DataError
from facefill.parameters.defaults import FACES_PER_FILE
from facefill.preparation.sharded_array import ImageArray, ShardedArray
from facefill.runtime.batching import slices
from facefill.runtime.files import replacing, reserve

_FINGERPRINT = b"facefill_images"
_FINGERPRINT_ROWS = 64
_NUM_FILES = b"facefill_files"


@dataclass(frozen=True)
class FaceSet:
    """Faces to train on and to evaluate with.

    Attributes:
        images: uint8 RGB of shape (num_faces, size, size, 3), often mapped from
            a file, or from several.
        table: One row a face: ``id`` (path of the photo, and ``#2`` for its second
            face), ``source`` (file in the flat folder), ``split`` (``train``,
            ``validation`` or ``test``; ``held_out`` in sets of earlier versions).
    """

    images: ImageArray
    table: pd.DataFrame

    def __post_init__(self) -> None:
        """Refuse a table that is not of these images."""
        if len(self.images) != len(self.table):
            raise DataError(
                f"{len(self.images)} faces, but a table of {len(self.table)}"
            )

    def of_split(self, name: str) -> ImageArray:
        """Select the images of a split, in the table's order.

        ``flatten`` keeps ``train`` in one piece, so that none of its pixels is copied.
        """
        rows = np.flatnonzero(np.asarray(self.table["split"] == name))
        if len(rows) == 0:
            return self.images[:0]
        if rows[-1] - rows[0] + 1 == len(rows):
            return self.images[rows[0] : rows[-1] + 1]
        return self.images[rows]


def write_face_set(
    path: Path, faces: FaceSet, faces_per_file: int = FACES_PER_FILE
) -> None:
    """Write ``faces.npy``, ``faces.0001.npy`` and so on, and ``faces.parquet``.

    All are complete before any replaces an old one. A kill between these steps
    leaves arrays of one set with the table of another, which ``read_face_set``
    refuses by the fingerprint of the images in the table.

    Args:
        path: Of the first array.
        faces: What is written.
        faces_per_file: Faces in one array at most; at least 1.
    """
    table_path = path.with_suffix(".parquet")
    # One file at least, if of no faces.
    parts = list(slices(max(len(faces.images), 1), faces_per_file))
    with ExitStack() as stack:
        for number, rows in enumerate(parts):
            array_file = stack.enter_context(replacing(_part(path, number)))
            _write_array(array_file, faces.images[rows])
        table = pa.Table.from_pandas(faces.table, preserve_index=False)
        metadata = {
            _FINGERPRINT: fingerprint(faces.images).encode(),
            _NUM_FILES: str(len(parts)).encode(),
        }
        table = table.replace_schema_metadata((table.schema.metadata or {}) | metadata)
        pq.write_table(table, stack.enter_context(replacing(table_path)))
    for number in itertools.count(len(parts)):
        # What a larger set left.
        try:
            _part(path, number).unlink()
        except FileNotFoundError:
            break


def _part(path: Path, number: int) -> Path:
    return path.with_suffix(f".{number:04d}{path.suffix}") if number else path


def _write_array(path: Path, images: ImageArray) -> None:
    array = open_memmap(path, "w+", np.uint8, images.shape)
    with path.open("r+b") as stream:
        reserve(stream.fileno(), path.stat().st_size)
    for rows in slices(len(images)):
        array[rows] = images[rows]
    array.flush()


def read_face_set(path: Path) -> FaceSet:
    """Read a training set, its arrays mapped from their files and not writable.

    Raises:
        DataError: If it is absent, damaged, or its files are of several sets.
    """
    cure = "run `kedro run --pipeline=prepare`"
    table_path = path.with_suffix(".parquet")
    for part in (path, table_path):
        if not part.is_file():
            raise DataError(f"no training set: {part} does not exist; {cure}")
    try:
        table = pq.read_table(table_path)
        metadata = table.schema.metadata or {}
        arrays = [
            np.load(_part(path, number), mmap_mode="r", allow_pickle=False)
            for number in range(int(metadata.get(_NUM_FILES, b"1")))
        ]
        images = arrays[0] if len(arrays) == 1 else ShardedArray(arrays)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(
            f"the training set {path} is damaged ({error}); {cure}"
        ) from error
    expected = metadata.get(_FINGERPRINT, b"").decode()
    if len(images) != len(table) or fingerprint(images) != expected:
        raise DataError(f"{path} and {table_path.name} do not belong together; {cure}")
    return FaceSet(images, table.to_pandas())


def fingerprint(images: ImageArray) -> str:
    """Hash the shape and 64 evenly spaced faces: cheap for any number of them.

    It tells sets apart whose files were mixed up, not a changed pixel, as
    ``pixel_digest`` does.
    """
    rows = np.linspace(0, len(images) - 1, min(len(images), _FINGERPRINT_ROWS))
    digest = hashlib.sha256(repr(images.shape).encode())
    for row in rows.astype(int):
        digest.update(np.ascontiguousarray(images[int(row)]).tobytes())
    return digest.hexdigest()


def pixel_digest(images: ImageArray) -> str:
    """Hash every pixel, a piece at a time; 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for rows in slices(len(images)):
        digest.update(np.asarray(images[rows]).tobytes())
    return digest.hexdigest()[:16]
