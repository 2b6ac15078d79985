"""Plan of a completion: the mask of each photo, or the reason why it has none.

The plan is what is completed: ``restore`` reads the masks that stand in it.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from facefill.completion.holes import problem_of
from facefill.completion.inputs import (
    HOLES,
    MaskChoice,
    PhotoTask,
    Row,
    TaskReader,
    rejected,
)
from facefill.errors import FacefillError, PhotoError
from facefill.imaging.mask_files import IF_INVERTED, LARGE_HOLE
from facefill.imaging.sheets import captioned_grid
from facefill.parameters import MaskName
from facefill.parameters.choices import HoleSource

logger = logging.getLogger(__name__)

MAX_PREVIEWED = 256
"""Photos on the sheet; more would make it unreadable."""

COLUMNS = ("mask", "mask_file", "mask_sha256", "problem", "problem_reason")
"""Columns that a plan has beside those of the alignment, all of them text."""

_READABLE_SIDE = 96
_EMPTY_GREY = 225


def plan(
    alignment: pd.DataFrame,
    holes: pd.DataFrame,
    reader: TaskReader,
    shape: MaskName,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Decide the mask of every photo, and draw a preview.

    Args:
        alignment: A row for each face or photo, from ``alignment.align_photos``.
        holes: A row for each photo, from ``holes.find_holes``.
        reader: Reader of the photos and masks.
        shape: Mask of photos that have no hole of their own.

    Returns:
        The rows of the alignment that are to be completed, or say why not, with the
        columns ``COLUMNS``: ``mask``, which is ``file``, ``alpha``, ``colour``, the
        name of the shape, or empty for a photo that will not be completed;
        ``mask_file`` and ``mask_sha256``, path below the folder of masks and hash of
        the file, if any; ``problem`` and ``problem_reason``, a sentence and a word on
        why the photo is not completed. A photo whose hole touches no face has one row,
        and so has one that is not completed. And a sheet with the aligned face of each,
        what is known of it, its name, and its mask or problem, uint8 RGB; those beyond
        ``MAX_PREVIEWED`` are in the table alone.
    """
    of_photo = {row.path: row for row in holes.itertuples()}
    rows: list[Row] = []
    captions: list[tuple[str, str]] = []
    cells: list[np.ndarray] = []
    for path, faces in photos_of(alignment):
        mask = _choose(of_photo.get(path), reader.source, shape)
        problem = problem_of(of_photo.get(path))
        for row, cell in _plan_photo(faces, mask, problem, reader):
            rows.append(row)
            if len(cells) < MAX_PREVIEWED:
                cells.append(cell)
                name = PurePosixPath(path).name
                captions.append((name, row["mask"] or row["problem"]))
    if len(rows) > len(cells):
        logger.info("the preview shows the first %d of %d faces", len(cells), len(rows))
    table = alignment.set_index("id", drop=False).loc[[row["id"] for row in rows]]
    planned = table.reset_index(drop=True).assign(
        **{column: [row[column] for row in rows] for column in COLUMNS}
    )
    return planned, captioned_grid(np.stack(cells), captions)


def photos_of(table: pd.DataFrame) -> Iterator[tuple[str, list[Any]]]:
    """Give the rows of each photo, in the table's order, with its path."""
    for path, rows in groupby(table.itertuples(), key=lambda row: row.path):
        yield str(path), list(rows)


def planned_mask(row: Any) -> MaskChoice:
    """Mask of a photo, from its row of the plan."""
    return MaskChoice(row.mask, row.mask_file, row.mask_sha256)


def _choose(hole: Any, source: HoleSource, shape: MaskName) -> MaskChoice:
    if source != "files":
        return MaskChoice(HOLES[source])
    if hole is not None and hole.mask_file:
        return MaskChoice(HOLES[source], hole.mask_file, hole.mask_sha256)
    return MaskChoice(shape)


def _plan_photo(
    faces: Sequence[Any],
    mask: MaskChoice,
    problem: FacefillError | None,
    reader: TaskReader,
) -> Iterator[tuple[Row, np.ndarray]]:
    """Decide a photo's mask; draw each face beside what is known of it."""
    first = faces[0]
    try:
        if problem:
            raise problem
        task = reader.read(faces, mask, key="")
    except OSError:  # nothing can be read or written any more
        raise
    except Exception as error:
        failure = rejected(str(first.id), error)
        row = _rejected_face(first, failure["reason"], failure["detail"])
        yield row, _cell_beside_nothing(first, reader)
        return
    named = {"mask": mask.name, "mask_file": mask.file, "mask_sha256": mask.sha256}
    sound = named | {"problem": "", "problem_reason": ""}
    touched = {face.face_id: face.measurement for face in task.faces}
    _warn_of_large_hole(task)
    for face in faces:
        if measurement := touched.get(str(face.id)):
            known = measurement.degradation.show(measurement.face, measurement.mask)
            yield {"id": face.id} | sound, _cell(measurement.face, known)
        elif mask.is_shape:
            row = _rejected_face(face, face.reason, str(PhotoError(face.reason)))
            yield row, _cell_beside_nothing(face, reader)
    if not touched:  # the hole is inpainted
        yield {"id": first.id} | sound, _cell_beside_nothing(first, reader)


def _rejected_face(face: Any, reason: str, detail: str) -> Row:
    row = {"id": face.id} | dict.fromkeys(COLUMNS, "")
    return row | {"problem": detail, "problem_reason": reason}


def _warn_of_large_hole(task: PhotoTask) -> None:
    if task.hole is None:
        return
    of_faces = {
        f"the face of {face.face_id}": 1.0 - float(face.measurement.mask.mean())
        for face in task.faces
    }
    # A mask of the wrong polarity may hide the face so well that none is found.
    of_photo = {task.photo_id: float(task.hole.mean())}
    for name, share in (of_faces or of_photo).items():
        if share > LARGE_HOLE:
            logger.warning(
                "%.0f %% of %s are missing; %s",
                100.0 * share,
                name,
                IF_INVERTED,
            )


def _cell_beside_nothing(row: Any, reader: TaskReader) -> np.ndarray:
    """Draw a face, if there is one, of which nothing is to be completed."""
    empty = np.full((reader.size, reader.size, 3), _EMPTY_GREY, np.uint8)
    try:
        face = reader.face(row)
    except PhotoError:
        face = empty
    return _cell(face, empty)


def _cell(face: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Draw a face beside what is known of it; enlarged to be seen."""
    cell = np.concatenate([face, known], axis=1)
    scale = math.ceil(_READABLE_SIDE / len(face))
    return cell.repeat(scale, axis=0).repeat(scale, axis=1)
