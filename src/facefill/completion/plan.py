"""What a completion is going to do, to look at before it takes its minutes."""

import logging
import math
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from facefill.completion.inputs import TaskReader
from facefill.errors import MaskError, PhotoError
from facefill.imaging.sheets import captioned_grid

logger = logging.getLogger(__name__)

MAX_PREVIEWED = 256
"""Photos on the sheet; more would make it unreadable."""

_READABLE_SIDE = 96
_EMPTY_GREY = 225


def plan(
    alignment: pd.DataFrame, reader: TaskReader, size: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Say for every photo what is to be completed of it, and picture it.

    Args:
        alignment: A row a photo, from ``alignment.align_photos``.
        reader: Of the photos.
        size: Side of a face in pixels.

    Returns:
        The alignment with two more columns: ``mask``, which is ``file``, the name
        of the shape, or empty for a photo that will not be completed, and
        ``problem``, which says why not. And a sheet with the aligned face of each
        photo, what is known of it, its name, and its mask or problem, uint8 RGB;
        photos beyond ``MAX_PREVIEWED`` are in the table alone.
    """
    masks, problems, captions = [], [], []
    cells: list[np.ndarray] = []
    for row in alignment.itertuples():
        mask, problem, cell = _look(row, reader, size)
        masks.append(mask)
        problems.append(problem)
        if len(cells) < MAX_PREVIEWED:
            cells.append(cell)
            captions.append((PurePosixPath(str(row.path)).name, mask or problem))
    if len(alignment) > len(cells):
        logger.info(
            "the preview shows the first %d of %d photos", len(cells), len(alignment)
        )
    planned = alignment.assign(mask=masks, problem=problems)
    return planned, captioned_grid(np.stack(cells), captions)


def _look(row: Any, reader: TaskReader, size: int) -> tuple[str, str, np.ndarray]:
    """Give a photo's mask, its problem, and its face beside what is known of it."""
    empty = np.full((size, size, 3), _EMPTY_GREY, np.uint8)
    mask = problem = ""
    face = known = empty
    try:
        face = reader.face(row)
        one = reader.read(row, key="")
        known = one.target.degradation.show(face, one.target.mask)
        mask = one.mask_name
    except (PhotoError, MaskError) as error:
        problem = str(error)
    cell = np.concatenate([face, known], axis=1)
    scale = math.ceil(_READABLE_SIDE / size)
    return mask, problem, cell.repeat(scale, axis=0).repeat(scale, axis=1)
