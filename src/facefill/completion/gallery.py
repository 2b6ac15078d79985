"""Completed photos as MLflow shows them: one after another, and in full size."""

import logging
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import pandas as pd

from facefill.completion.result_folders import result_folder
from facefill.imaging.pictures import read_png

MAX_RESULTS = 200
"""Photos that are copied at most: their folder has all of them."""

SERIES = "complete/faces"
"""Name of the series of pictures; MLflow shows it beside the curves of its prefix."""

SIDE = 256
"""Of each picture in a series, in pixels."""

log = logging.getLogger(__name__)

_STEPS = ("known.png", "completed.png", "blended.png")


class Gallery(Protocol):
    """Where pictures are shown."""

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """Take the picture of a series, uint8 (H, W, 3)."""

    def file(self, path: Path, folder: str) -> None:
        """Take a file."""


def show_results(table: pd.DataFrame, output: Path, gallery: Gallery) -> None:
    """Show the face of each completed photo, and hand on its full-size result.

    The series ``SERIES`` has what was known of a face, its completion, and the
    same blended, from left to right, a step a photo in the order of the table.

    Args:
        table: A row for each photo: id, status.
        output: Folder of the completions.
        gallery: Takes the pictures and files.
    """
    completed = list(table["id"][table["status"] == "completed"])
    if len(completed) > MAX_RESULTS:
        log.info("MLflow gets the first %d of the results in %s", MAX_RESULTS, output)
    for step, photo in enumerate(completed[:MAX_RESULTS]):
        folder = output / result_folder(photo)
        paths = [folder / name for name in _STEPS]
        if all(path.is_file() for path in paths):
            faces = [_enlarged(read_png(path)) for path in paths]
            gallery.picture(step, SERIES, np.concatenate(faces, axis=1))
        for path in sorted(folder.glob("photo.*")):
            gallery.file(path, f"completions/photos/{photo}")


def _enlarged(face: np.ndarray) -> np.ndarray:
    return cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
