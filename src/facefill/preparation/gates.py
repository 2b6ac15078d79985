"""Gates of the training set: blurred and grey faces, and those beyond their photo."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.errors import DataError, PhotoError
from facefill.imaging.photos import Pixels
from facefill.imaging.pictures import read_png
from facefill.parameters import PrepareOptions
from facefill.preparation import quality
from facefill.runtime.progress import progress

BEYOND_EDGE, BLURRED, GREY = "beyond_edge", "blurred", "grey"


def gate_faces(
    rows: pd.DataFrame, aligned: Path, options: PrepareOptions
) -> NDArray[np.object_]:
    """Find why faces are not to be trained on; no file is read if no gate is on.

    Args:
        rows: A row an aligned face, with ``face``, ``matrix``, ``height`` and
            ``width``.
        aligned: Folder of the faces.
        options: The gates: ``min_inside``, ``min_sharpness``, ``min_colourfulness``.

    Returns:
        For each row the first of ``beyond_edge``, ``blurred`` and ``grey`` that is
        true; empty if none is.

    Raises:
        DataError: If a face cannot be read.
    """
    reasons = np.full(len(rows), "", object)
    limits = options.min_inside, options.min_sharpness, options.min_colourfulness
    if not any(limits):
        return reasons
    names = ["face", "matrix", "height", "width"]
    columns = zip(*(rows[name] for name in names), strict=True)
    with progress(len(rows), "judging faces", unit="faces") as advance:
        for index, (name, matrix, height, width) in enumerate(columns):
            face = _read(aligned / name)
            affine = np.asarray(matrix, np.float64).reshape(2, 3)
            reasons[index] = _reason(face, affine, (height, width), options)
            advance(1)
    return reasons


def _reason(
    face: Pixels,
    matrix: NDArray[np.float64],
    shape: tuple[int, int],
    options: PrepareOptions,
) -> str:
    if quality.share_inside(matrix, shape, len(face)) < options.min_inside:
        return BEYOND_EDGE
    if quality.sharpness(face) < options.min_sharpness:
        return BLURRED
    if quality.colourfulness(face) < options.min_colourfulness:
        return GREY
    return ""


def _read(path: Path) -> Pixels:
    try:
        return read_png(path)
    except PhotoError as error:
        raise DataError(
            f"the aligned face {path} cannot be read ({error.reason}); "
            "run `kedro run --pipeline=prepare`"
        ) from error
