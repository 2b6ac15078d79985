"""How far the crops of other settings are from those of OpenFace.

Usage::

    python benchmarks/crops.py [--photos FOLDER] [--manifest FILE] [--every N]

Every N-th photo below the folder is searched with ``detector: cascade``, and its
landmarks placed with ``landmarks: five_point``, beside the exact search with 68
points. The manifest of an earlier run with the defaults (``alignment.parquet``) saves
that search. The error of a crop is how far its pixels are from where OpenFace has
them, in pixels of 64: at the three landmarks that it aligns by, and over the crop.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd

from facefill.errors import PhotoError
from facefill.imaging.geometry import affine, target_points
from facefill.imaging.photos import read_photo
from facefill.parameters.choices import LandmarkSet
from facefill.preparation.detection import (
    Box,
    LandmarkModel,
    by_size,
    find_faces,
    find_faces_fast,
    find_landmarks,
)

SIZE = 64
LANDMARKS: LandmarkSet = "innerEyesAndBottomLip"
OTHER_FACE = 10.0
"""A crop farther off than this shows another face."""

FIVE = LandmarkModel(None, 5)
SAMPLE = Path(__file__).parents[1] / "data/demo/01_raw/photos"


class Crop(NamedTuple):
    """The map of a photo to its face, and what was seen of it."""

    matrix: np.ndarray
    landmarks: np.ndarray
    box: Box


class Tally:
    """Counts and errors of one way to align."""

    def __init__(self) -> None:
        self.found = 0
        self.extra = 0
        self.at_landmarks: list[float] = []
        self.over_crop: list[float] = []

    def add(self, matrix: np.ndarray | None, exact: Crop | None) -> None:
        """Compare a map with OpenFace's."""
        self.found += matrix is not None
        if matrix is None or exact is None:
            self.extra += matrix is not None
            return
        chosen = exact.landmarks[[39, 42, 57]]
        arrived = np.column_stack([chosen, np.ones(3)]) @ matrix.T
        errors = arrived - target_points(LANDMARKS, SIZE)
        self.at_landmarks.append(float(np.linalg.norm(errors, axis=1).mean()))
        inverse = np.linalg.inv(np.vstack([exact.matrix, (0.0, 0.0, 1.0)]))
        places = np.mgrid[:SIZE, :SIZE].reshape(2, -1)[::-1]
        places = np.vstack([places, np.ones(places.shape[1])])
        moved = matrix @ inverse @ places - places[:2]
        self.over_crop.append(float(np.linalg.norm(moved, axis=0).mean()))

    def line(self) -> str:
        """Give the figures of a row of the table."""
        marks, over = np.array(self.at_landmarks), np.array(self.over_crop)
        same = marks < OTHER_FACE
        numbers = [np.percentile(marks[same], part) for part in (50, 95)]
        numbers += [np.percentile(over[same], part) for part in (50, 95)]
        return f"{self.found:>7}{self.extra:>7}{(~same).sum():>7}" + "".join(
            f"{number:>8.2f}" for number in numbers
        )


def exact_crop(photo: np.ndarray, row: "pd.Series[Any] | None") -> Crop | None:
    """Take OpenFace's crop from the manifest, or make it."""
    if row is not None:
        if row["status"] != "aligned":
            return None
        landmarks = np.reshape(row["landmarks"], (68, 2))
        box = Box(*map(int, row["box"]))
    elif boxes := find_faces(photo):
        box = by_size(boxes)[0]
        landmarks = find_landmarks(photo, box)
    else:
        return None
    return Crop(affine(landmarks, LANDMARKS, SIZE), landmarks, box)


def cascade_matrix(photo: np.ndarray, _: Crop | None) -> np.ndarray | None:
    """Align with the faster search."""
    boxes = find_faces_fast(photo)
    if not boxes:
        return None
    return affine(find_landmarks(photo, by_size(boxes)[0]), LANDMARKS, SIZE)


def five_point_matrix(photo: np.ndarray, exact: Crop | None) -> np.ndarray | None:
    """Align with the smaller landmark model, in the box of the exact search."""
    if exact is None:
        return None
    return affine(find_landmarks(photo, exact.box, FIVE), "five_point", SIZE)


WAYS = {"cascade": cascade_matrix, "five_point": five_point_matrix}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=SAMPLE)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows: dict[object, pd.Series[Any]] = {}
    if arguments.manifest:
        table = pd.read_parquet(arguments.manifest)
        rows = {row["path"]: row for _, row in table.iterrows()}
    files = sorted(path for path in arguments.photos.rglob("*") if path.is_file())
    tallies = {name: Tally() for name in ("exact", *WAYS)}
    for path in files[:: arguments.every]:
        try:
            photo = read_photo(path)
        except PhotoError:
            continue
        name = path.relative_to(arguments.photos).as_posix()
        exact = exact_crop(photo, rows.get(name))
        tallies["exact"].add(None if exact is None else exact.matrix, exact)
        for way, align in WAYS.items():
            tallies[way].add(align(photo, exact), exact)
    print(f"{len(files[:: arguments.every])} photos; errors in pixels of {SIZE}")
    print(
        f"{'':<22}{'found':>7}{'extra':>7}{'other':>7}  {'at landmarks':^14}"
        f"  {'over the crop':^14}"
    )
    print(f"{'':<43}{'median':>8}{'95 %':>8}{'median':>8}{'95 %':>8}")
    for name, tally in tallies.items():
        print(f"{name:<22}{tally.line()}")


if __name__ == "__main__":
    main()
