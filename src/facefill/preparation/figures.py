"""Preparation figures: contact sheet, mean faces, outcomes of files.

Nothing is picked: faces and photos are taken at equal distances from the table,
which is sorted by path, so that every part of the tree is seen and every run shows
the same. Their number is bounded, and with it the time and the memory, however
many photos there are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.errors import PhotoError
from facefill.imaging.geometry import warp
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import grid, read_png
from facefill.imaging.sheets import rendered
from facefill.parameters import IngestOptions
from facefill.preparation.report import count_reasons

MAX_SHOWN = 80
"""Faces on the contact sheet."""

MAX_AVERAGED = 500
"""Photos that the means are of: about 2 ms for each of 250x250 pixels."""

_COLUMNS = 10
_READABLE_SIDE = 96


@dataclass(frozen=True)
class Mean:
    """Mean of pictures of one size.

    Attributes:
        picture: float64 (size, size, 3), 0 to 255.
        spread: Standard deviation of a pixel from picture to picture, averaged over
            all pixels and channels, in grey levels: the less, the better the
            pictures lie on each other.
        count: Pictures averaged.
    """

    picture: NDArray[np.float64]
    spread: float
    count: int


class _Averager:
    """Sums pictures up, one at a time."""

    def __init__(self, size: int) -> None:
        self._sum = np.zeros((size, size, 3))
        self._squares = np.zeros((size, size, 3))
        self._count = 0

    def add(self, picture: NDArray[np.uint8]) -> None:
        self._sum += picture
        self._squares += np.square(picture, dtype=np.float64)
        self._count += 1

    def mean(self) -> Mean | None:
        if self._count == 0:
            return None
        picture = self._sum / self._count
        variance = self._squares / self._count - picture**2
        spread = float(np.sqrt(np.maximum(variance, 0.0)).mean())
        return Mean(picture, spread, self._count)


def draw_preparation(
    alignment: pd.DataFrame, photos: Path, faces: Path, limits: IngestOptions
) -> dict[str, NDArray[np.uint8]]:
    """Draw all pictures of a preparation.

    Args:
        alignment: From ``alignment.align_photos``; one row aligned at least.
        photos: Folder of the photos.
        faces: Folder of the aligned faces.
        limits: Of the photos that are read again.

    Returns:
        uint8 RGB by file name: ``contact_sheet.png``, ``mean_faces.png``,
        ``outcomes.png``.
    """
    return {
        "contact_sheet.png": contact_sheet(alignment, faces),
        "mean_faces.png": mean_panels(mean_faces(alignment, photos, faces, limits)),
        "outcomes.png": outcome_bars(alignment),
    }


def contact_sheet(alignment: pd.DataFrame, faces: Path) -> NDArray[np.uint8]:
    """Lay aligned faces out, each pixel enlarged until a face can be seen.

    Returns:
        uint8 RGB; at most ``MAX_SHOWN`` faces, in the order of their paths.
    """
    rows = evenly_spaced(alignment[alignment["status"] == "aligned"], MAX_SHOWN)
    pictures = np.stack([read_png(faces / name) for name in rows["face"]])
    factor = max(1, math.ceil(_READABLE_SIDE / pictures.shape[1]))
    enlarged = pictures.repeat(factor, axis=1).repeat(factor, axis=2)
    return grid(enlarged, columns=min(_COLUMNS, len(enlarged)))


def mean_faces(
    alignment: pd.DataFrame, photos: Path, faces: Path, limits: IngestOptions
) -> dict[str, Mean]:
    """Average the same photos before and after alignment.

    Before: the largest square around the photo's middle, and the box that the
    detector found. Both are brought to a face's size by the sampling that aligned
    faces are made with. A photo that can no longer be read is left out of all.

    Returns:
        ``centre of the photo``, ``detected box`` (where there are any), ``aligned``;
        none of them if no photo can be read.
    """
    rows = evenly_spaced(alignment[alignment["status"] == "aligned"], MAX_AVERAGED)
    size = len(read_png(faces / rows["face"].iloc[0]))
    averages = {
        name: _Averager(size)
        for name in ("centre of the photo", "detected box", "aligned")
    }
    columns = [rows[name].tolist() for name in ("path", "box", "face")]
    for photo_id, box, face in zip(*columns, strict=True):
        try:
            photo = read_photo(photos / photo_id, limits.max_pixels, limits.max_bytes)
        except PhotoError:
            continue
        boxes = {"centre of the photo": _centre_square(*photo.shape[:2])}
        if box is not None:
            boxes["detected box"] = np.asarray(box, np.float64)
        for name, edges in boxes.items():
            averages[name].add(warp(photo, _box_to_square(edges, size), size))
        averages["aligned"].add(read_png(faces / face))
    means = {name: average.mean() for name, average in averages.items()}
    return {name: mean for name, mean in means.items() if mean is not None}


def mean_panels(means: Mapping[str, Mean]) -> NDArray[np.uint8]:
    """Draw means side by side, with how much the pictures differ.

    Args:
        means: From ``mean_faces``.

    Returns:
        uint8 RGB.
    """
    from matplotlib.figure import Figure

    num_panels = max(len(means), 1)
    figure = Figure(figsize=(2.6 * num_panels, 3.3), dpi=110, layout="constrained")
    count = max((mean.count for mean in means.values()), default=0)
    figure.suptitle(f"Mean of {count} photos before and after alignment")
    for panel, (name, mean) in enumerate(means.items(), start=1):
        axes = figure.add_subplot(1, num_panels, panel, title=name)
        axes.imshow(mean.picture / 255.0, interpolation="nearest")
        axes.set_xlabel(f"they differ by ±{mean.spread:.0f} of 255")
        axes.set_xticks([])
        axes.set_yticks([])
    return rendered(figure)


def outcome_bars(alignment: pd.DataFrame) -> NDArray[np.uint8]:
    """Draw how many files came out how: aligned, or rejected by reason.

    Args:
        alignment: From ``alignment.align_photos``.

    Returns:
        uint8 RGB.
    """
    from matplotlib.figure import Figure

    num_aligned = int((alignment["status"] == "aligned").sum())
    counts = {"aligned": num_aligned} | count_reasons(alignment)
    height = 1.3 + 0.35 * len(counts)
    figure = Figure(figsize=(7.0, height), dpi=110, layout="constrained")
    axes = figure.add_subplot(
        xlabel="files", title=f"What became of {len(alignment)} files"
    )
    names = [name.replace("_", " ") for name in counts]
    colours = ["tab:green"] + ["tab:red"] * (len(counts) - 1)
    bars = axes.barh(names, list(counts.values()), color=colours)
    shares = [count / len(alignment) for count in counts.values()]
    labels = [
        f"{count} ({share:.1%})"
        for count, share in zip(counts.values(), shares, strict=True)
    ]
    axes.bar_label(bars, labels, padding=4)
    axes.margins(x=0.25)
    axes.invert_yaxis()
    return rendered(figure)


def evenly_spaced(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Take rows at equal distances, the first and the last among them."""
    indices = np.linspace(0, len(table) - 1, min(count, len(table)))
    return table.iloc[np.rint(indices).astype(int)]


def _centre_square(height: int, width: int) -> NDArray[np.float64]:
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return np.array([left, top, left + side - 1, top + side - 1], np.float64)


def _box_to_square(box: NDArray[Any], size: int) -> NDArray[np.float64]:
    """Map a box (left, top, right, bottom, all within it) to a square's pixels.

    The outer edges of the box come to those of the square; a pixel's edge is half a
    pixel from its place.
    """
    left, top, right, bottom = box
    scale = np.array([size / (right - left + 1), size / (bottom - top + 1)])
    shift = scale * (0.5 - np.array([left, top])) - 0.5
    return np.column_stack([np.diag(scale), shift])
