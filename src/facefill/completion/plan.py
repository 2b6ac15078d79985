"""Plan of a completion: the mask of each photo, or the reason why it has none.

The plan is what is completed: ``restore`` reads the masks that stand in it.
"""

import logging
import math
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from facefill.completion.inputs import MaskChoice, Row, TaskReader, rejected
from facefill.imaging.sheets import captioned_grid
from facefill.parameters import MaskName

logger = logging.getLogger(__name__)

MAX_PREVIEWED = 256
"""Photos on the sheet; more would make it unreadable."""

COLUMNS = ("mask", "mask_file", "mask_sha256", "problem", "problem_reason")
"""Columns that a plan has beside those of the alignment, all of them text."""

_READABLE_SIDE = 96
_EMPTY_GREY = 225


def plan(
    alignment: pd.DataFrame, reader: TaskReader, shape: MaskName
) -> tuple[pd.DataFrame, np.ndarray]:
    """Decide the mask of every photo, and draw a preview.

    Args:
        alignment: A row for each photo, from ``alignment.align_photos``.
        reader: Reader of the photos and masks.
        shape: Mask of photos that have no mask file.

    Returns:
        The alignment with the columns ``COLUMNS``: ``mask``, which is ``file``, the
        name of the shape, or empty for a photo that will not be completed;
        ``mask_file`` and ``mask_sha256``, path below the folder of masks and hash of
        the file, if any; ``problem`` and ``problem_reason``, a sentence and a word on
        why the photo is not completed. And a sheet with the aligned face of each
        photo, what is known of it, its name, and its mask or problem, uint8 RGB;
        photos beyond ``MAX_PREVIEWED`` are in the table alone.
    """
    rows: list[Row] = []
    captions: list[tuple[str, str]] = []
    cells: list[np.ndarray] = []
    for photo in alignment.itertuples():
        row, cell = _plan_photo(photo, reader, shape)
        rows.append(row)
        if len(cells) < MAX_PREVIEWED:
            cells.append(cell)
            name = PurePosixPath(str(photo.path)).name
            captions.append((name, row["mask"] or row["problem"]))
    if len(alignment) > len(cells):
        logger.info(
            "the preview shows the first %d of %d photos", len(cells), len(alignment)
        )
    planned = alignment.assign(
        **{column: [row[column] for row in rows] for column in COLUMNS}
    )
    return planned, captioned_grid(np.stack(cells), captions)


def planned_mask(row: Any) -> MaskChoice:
    """Mask of a photo, from its row of the plan."""
    return MaskChoice(row.mask, row.mask_file, row.mask_sha256)


def _plan_photo(
    photo: Any, reader: TaskReader, shape: MaskName
) -> tuple[Row, np.ndarray]:
    """Decide a photo's mask; draw its face beside what is known of it."""
    size = reader.size
    row = dict.fromkeys(COLUMNS, "")
    face = known = np.full((size, size, 3), _EMPTY_GREY, np.uint8)
    try:
        face = reader.face(photo)
        mask = reader.choose(photo, shape)
        task = reader.read(photo, mask, key="")
        known = task.target.degradation.show(face, task.target.mask)
        row |= {
            "mask": mask.name,
            "mask_file": mask.file,
            "mask_sha256": mask.sha256,
        }
    except OSError:  # nothing can be read or written any more
        raise
    except Exception as error:
        failure = rejected(str(photo.id), error)
        row |= {"problem": failure["detail"], "problem_reason": failure["reason"]}
    cell = np.concatenate([face, known], axis=1)
    scale = math.ceil(_READABLE_SIDE / size)
    return row, cell.repeat(scale, axis=0).repeat(scale, axis=1)
