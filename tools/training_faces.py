"""Faces of photos that facefill's packaged models of faces are measured on."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from facefill.imaging.photos import read_photo
from facefill.preparation import splits
from facefill.preparation.detection import Box


class TrainingFace(NamedTuple):
    """A face of an intact photo.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        landmarks: float64 (68, 2), x and y in pixels of the photo.
        box: As the detector has it.
    """

    photo: np.ndarray
    landmarks: np.ndarray
    box: Box


def training_rows(data: Path) -> pd.DataFrame:
    """Give the rows of those faces that the pipeline ``prepare`` has to train on.

    Args:
        data: Folder of the project's artifacts.
    """
    aligned = pd.read_parquet(data / "03_primary/alignment.parquet")
    faces = pd.read_parquet(data / "05_model_input/faces.parquet")
    chosen = faces.loc[faces["split"] == splits.TRAIN, "id"]
    return aligned[aligned["id"].isin(chosen)]


def photo_of(data: Path, row: pd.Series) -> np.ndarray:
    """Read the photo of a row, uint8 RGB (height, width, 3)."""
    return read_photo(data / "01_raw/photos" / row["path"])


def training_faces(data: Path, per_person: int) -> Iterator[TrainingFace]:
    """Give the faces that the pipeline ``prepare`` has to train on, with their photos.

    Args:
        data: Folder of the project's artifacts.
        per_person: Faces that are taken of a person at most.
    """
    rows = training_rows(data)
    people = splits.identities(list(rows["path"]))
    for _, row in rows.groupby(people).head(per_person).iterrows():
        landmarks = np.asarray(row["landmarks"], np.float64).reshape(-1, 2)
        yield TrainingFace(photo_of(data, row), landmarks, Box(*row["box"]))
