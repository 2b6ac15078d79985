"""Packing of the selected faces: a flat folder, and one array."""

import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.errors import DataError, PhotoError
from facefill.imaging.pictures import decode_png
from facefill.preparation.face_set import FaceSet
from facefill.preparation.naming import flat_name
from facefill.preparation.selection import LEFT_OUT
from facefill.preparation.splits import TRAIN
from facefill.runtime.files import reserve, write_bytes, write_json
from facefill.runtime.progress import progress

_NAMES = ".names.json"


def flatten(aligned: Path, selection: pd.DataFrame, faces: Path, size: int) -> FaceSet:
    """Put every selected face into one folder and one array.

    Args:
        aligned: Tree of faces.
        selection: From ``selection.select_faces``.
        faces: The flat folder; faces that it had from photos now gone are deleted.
        size: Side of a face in pixels.

    Returns:
        The faces, those of ``train`` first and each part by id; the array is backed by
        a file without a name.

    Raises:
        DataError: If no face is selected, or one is missing or of another size.
    """
    rows = selection[selection["split"] != LEFT_OUT]
    if rows.empty:
        raise DataError(
            "no face is left to make a training set of; the column reason of "
            "data/04_feature/selection.parquet says why"
        )
    # The halves of those held out are not sorted apart: the array of a project that
    # was prepared before there were halves stays as it is.
    rows = rows.assign(held_out=rows["split"] != TRAIN)
    rows = rows.sort_values(["held_out", "id"])
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
        reserve(stream.fileno(), math.prod(shape))
        return np.memmap(stream, np.uint8, "w+", shape=shape)
