"""Crops of training faces at twice their resolution, cut out of the photos again."""

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.errors import DataError, PhotoError
from facefill.imaging.geometry import warp
from facefill.imaging.photos import Pixels, read_photo
from facefill.models.refinement import finer
from facefill.models.refiner import FACTOR
from facefill.parameters.choices import CropBorder
from facefill.parameters.defaults import MAX_PIXELS
from facefill.preparation.face_set import FaceSet, pixel_digest
from facefill.preparation.quality import share_inside, sharpness
from facefill.preparation.splits import TRAIN
from facefill.runtime.files import remove_litter, replacing
from facefill.runtime.progress import progress
from facefill.runtime.rng import Purpose, keyed_rng

MAX_CROPS = 16_384
"""Crops that are cut at most: 0.8 GB at 64 pixels a face."""

MIN_SHARPNESS = 8.0
"""Of a crop that is not blurred, see ``quality.sharpness``."""
MIN_INSIDE = 0.92
"""Share of a crop that has to show its photo."""
_MOST_CHANGE = 4.0
"""Mean difference of a crop from its face, in grey levels: interpolation rounds."""

logger = logging.getLogger(__name__)


def crops_of(
    faces: FaceSet,
    alignment: pd.DataFrame,
    photos: Path,
    folder: Path,
    seed: int,
    border: CropBorder = "black",
) -> NDArray[np.uint8]:
    """Cut crops of the training faces out of their photos, once.

    Left out are crops that are blurred or reach far beyond their photo, and those of
    photos that are gone or have changed.

    Args:
        faces: The training set; of more than ``MAX_CROPS`` training faces some are
            chosen.
        alignment: Row of each face, with its ``id``, ``path`` and ``matrix``, and with
            ``width`` and ``height`` of the photo.
        photos: Folder of the photos.
        folder: Keeps the crops, in a file named after all that they depend on: those
            of other faces are deleted.
        seed: Seed of the choice.
        border: What the faces show beyond their photos' edges.

    Returns:
        uint8 (N, 2 S, 2 S, 3), mapped from the file.

    Raises:
        DataError: If no photo gives a crop.
    """
    path = folder / f"crops-{_digest(faces, seed)}.bin"
    for other in folder.glob("crops-*.bin"):
        if other != path:
            other.unlink()
    if not path.is_file():
        remove_litter(folder)  # of killed runs, each as large as the file
        rows = np.flatnonzero(np.asarray(faces.table["split"] == TRAIN))
        rng = keyed_rng(seed, Purpose.REFINER_CROPS)
        rows = np.sort(rng.permutation(rows)[:MAX_CROPS])
        placed = {str(row.id): row for row in alignment.itertuples()}
        _write(path, _cut_each(faces, rows, placed, photos, border))
    side = FACTOR * faces.images.shape[1]
    return np.memmap(path, np.uint8, "r").reshape(-1, side, side, 3)


def _digest(faces: FaceSet, seed: int) -> str:
    names = "\n".join(map(str, faces.table["id"]))
    text = f"{names} {pixel_digest(faces.images)} {seed} {FACTOR}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _cut_each(
    faces: FaceSet,
    rows: NDArray[np.int64],
    placed: dict[str, Any],
    photos: Path,
    border: CropBorder,
) -> Iterable[Pixels]:
    num_left_out = 0
    with progress(len(rows), "cutting faces out of photos", "faces") as advance:
        for row in rows:
            key = str(faces.table["id"].iloc[row])
            face = np.asarray(faces.images[row])
            crop = _cut(placed.get(key), face, photos, border)
            if crop is not None and sharpness(crop) > MIN_SHARPNESS:
                yield crop
            else:
                num_left_out += 1
            advance(1)
    logger.info(
        "%d of %d faces are left out of the refiner's training", num_left_out, len(rows)
    )


def _cut(row: Any, face: Pixels, photos: Path, border: CropBorder) -> Pixels | None:
    """Crop of a face; None if its photo is gone, has changed, or shows too little."""
    if row is None or row.matrix is None:
        return None
    # As large as it was when it was aligned: what a run takes is its parameter.
    num_pixels = getattr(row, "width", 0) * getattr(row, "height", 0)
    try:
        photo = read_photo(photos / row.path, max(num_pixels, MAX_PIXELS))
    except PhotoError:
        return None
    matrix = np.asarray(row.matrix, np.float64).reshape(2, 3)
    height, width = photo.shape[:2]
    if share_inside(matrix, (height, width), len(face)) < MIN_INSIDE:
        return None
    crop = warp(photo, finer(matrix), FACTOR * len(face), border)
    change = np.abs(crop[::FACTOR, ::FACTOR].astype(np.float32) - face).mean()
    return crop if change < _MOST_CHANGE else None


def _write(path: Path, crops: Iterable[Pixels]) -> None:
    with replacing(path) as unfinished, unfinished.open("wb") as stream:
        for crop in crops:
            stream.write(crop.tobytes())
        if stream.tell() == 0:
            raise DataError(
                "no photo gives a crop to train the refiner on: they are blurred, gone "
                "or changed; set train.refiner_steps to 0"
            )
