"""Damaged photos to completed ones: faces searched for, blended and put back.

Every photo is one row of the result, completed or with the reason why not. Its
pictures are written as soon as its search ends, so a killed run leaves whole
photos and no halves.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from facefill.blending import paste_back, poisson_blend
from facefill.completion import Found, Search, Target, complete_face, counting
from facefill.errors import DataError, FacefillError, MaskError, PhotoError
from facefill.images import encode_gif, grid, read_photo, read_png, write_png
from facefill.masking import MaskMaker, read_hole
from facefill.masks import hide, mask_from_photo, mask_from_square
from facefill.parameters import IngestOptions
from facefill.progress import progress

logger = logging.getLogger(__name__)

Row = dict[str, Any]

MAX_PICTURED = 64
"""Photos in the grids and the animation, which more would make unreadable."""


@dataclass(frozen=True)
class Folders:
    """Where a completion reads and writes.

    Attributes:
        photos: Damaged photos.
        masks: Files of holes, if any; need not exist.
        faces: Aligned faces.
        output: Receives a folder for each photo.
    """

    photos: Path
    masks: Path
    faces: Path
    output: Path


@dataclass(frozen=True)
class Damaged:
    """One face to complete.

    Attributes:
        face_id: The photo's path, and ``#2`` for its second face.
        photo_id: Path of the photo, relative to the photos.
        target: Its aligned face and what is known of it.
        matrix: Map from photo to face, (2, 3).
        photo_hole: The hole in the photo itself if a file gives it, else None.
        mask_name: ``file``, or the name of the shape.
    """

    face_id: str
    photo_id: str
    target: Target
    matrix: np.ndarray
    photo_hole: np.ndarray | None
    mask_name: str


@dataclass(frozen=True)
class Restored:
    """What a completion made.

    Attributes:
        table: A row a photo: id, status, reason, mask, losses, enlargement.
        pictures: Grids and the animation by file name.
        curves: Mean losses over the photos before each iteration, by name.
    """

    table: pd.DataFrame
    pictures: dict[str, np.ndarray | bytes]
    curves: dict[str, np.ndarray]


def restore(
    alignment: pd.DataFrame,
    folders: Folders,
    masks: MaskMaker,
    search: Search,
    options: IngestOptions,
) -> Restored:
    """Complete every photo whose face was found.

    Args:
        alignment: A row a photo, from ``preparation.align_photos``.
        folders: Where everything is.
        masks: Gives each photo its mask.
        search: The latent search.
        options: Limits of the photos, which are read again to put faces back.

    Returns:
        Rows, pictures and curves; rows are in the order of ``alignment``.

    Raises:
        DataError: If no photo can be completed, with the counts of reasons.
    """
    damaged: list[Damaged] = []
    rows: dict[str, Row] = {}
    for row in alignment.itertuples():
        try:
            damaged.append(_damaged(row, folders, masks, search.image_size))
        except (PhotoError, MaskError) as error:
            rows[str(row.id)] = _rejected(str(row.id), error)
            logger.warning("%s is not completed: %s", row.id, error)
    if not damaged:
        raise DataError(f"no photo can be completed: {_reasons(rows.values())}")
    film = _Film(damaged[:MAX_PICTURED])
    histories = []
    total = len(damaged) * search.options.iterations
    with progress(total, "completing", "iterations of photos") as advance:
        watch = counting(advance, film.watch)
        found_faces = search.run([one.target for one in damaged], watch)
        for one, found in zip(damaged, found_faces, strict=True):
            rows[one.face_id] = _finish(one, found, folders, options) | {
                "loss": search.loss(found)
            }
            histories.append(np.stack([found.contextual, found.perceptual]))
    contextual, perceptual = np.mean(histories, axis=0)
    return Restored(
        table=pd.DataFrame([rows[str(face_id)] for face_id in alignment["id"]]),
        pictures=film.pictures(search.options.frames_per_second),
        curves={"contextual": contextual, "perceptual": perceptual},
    )


def report(table: pd.DataFrame) -> Row:
    """Summarise a completion as JSON: counts by reason, mean losses."""
    completed = table[table["status"] == "completed"]
    rejected = table[table["status"] == "rejected"]
    means = completed[["contextual", "perceptual", "loss", "known_error"]].mean()
    return {
        "photos": len(table),
        "completed": len(completed),
        "rejected": rejected["reason"].value_counts().to_dict(),
        # No known pixel, no error over the known pixels.
        "mean": means.dropna().to_dict(),
    }


def _damaged(
    row: Any,
    folders: Folders,
    masks: MaskMaker,
    size: int,
) -> Damaged:
    if row.status != "aligned":
        raise PhotoError(row.reason)
    face = read_png(folders.faces / row.face)
    matrix = np.array(row.matrix, np.float64).reshape(2, 3)
    file = folders.masks / PurePosixPath(row.path).with_suffix(".png")
    if file.is_file():
        hole = read_hole(file, (row.height, row.width))
        # Where no landmarks were looked for, the face is a square of the photo.
        mask = (
            mask_from_square(hole, size)
            if row.landmarks is None
            else mask_from_photo(hole, matrix, size)
        )
        name = "file"
    else:
        hole, mask, name = None, masks.shape(row.id, size), masks.name
    target = Target(row.id, face, mask, low_resolution=name == "lowres")
    return Damaged(row.id, row.path, target, matrix, hole, name)


def _rejected(face_id: str, error: FacefillError) -> Row:
    reason = error.reason if isinstance(error, PhotoError) else "mask"
    return {
        "id": face_id,
        "status": "rejected",
        "reason": reason,
        "detail": str(error),
    }


def _reasons(rows: Iterable[Row]) -> str:
    counts = pd.Series([row["reason"] for row in rows], dtype=str).value_counts()
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"


def _finish(
    one: Damaged, found: Found, folders: Folders, options: IngestOptions
) -> Row:
    """Write the pictures of one photo and describe them in a row."""
    face, mask = one.target.face, one.target.mask
    completed = complete_face(face, found.generated, mask)
    blended = poisson_blend(face, found.generated, mask)
    photo = read_photo(
        folders.photos / one.photo_id, options.max_pixels, options.max_bytes
    )
    pictures = {
        "known": hide(face, mask),
        "generated": found.generated,
        "completed": completed,
        "blended": blended,
        "photo": paste_back(photo, blended, mask, one.matrix, one.photo_hole),
    }
    for name, picture in pictures.items():
        write_png(folders.output / one.face_id / f"{name}.png", picture)
    difference = np.abs(found.generated.astype(float) - face)[mask]
    return {
        "id": one.face_id,
        "status": "completed",
        "reason": "",
        "detail": "",
        "mask": one.mask_name,
        "known_share": float(mask.mean()),
        "contextual": float(found.contextual[-1]),
        "perceptual": float(found.perceptual[-1]),
        "known_error": float(difference.mean()) if mask.any() else float("nan"),
        # Pixels of the photo for each pixel of the face, along a side.
        "enlargement": float(abs(np.linalg.det(one.matrix[:, :2])) ** -0.5),
    }


class _Film:
    """Collects what the search shows of the first photos."""

    def __init__(self, damaged: Sequence[Damaged]) -> None:
        self._damaged = damaged
        self._frames: dict[int, list[np.ndarray]] = {}
        self._known = [hide(one.target.face, one.target.mask) for one in damaged]

    def watch(self, iteration: int, generated: np.ndarray) -> None:
        """Add a batch of pictures; batches come in order."""
        frame = self._frames.setdefault(iteration, [])
        for one, picture in zip(self._damaged[len(frame) :], generated, strict=False):
            frame.append(complete_face(one.target.face, picture, one.target.mask))

    def pictures(self, frames_per_second: float) -> dict[str, np.ndarray | bytes]:
        """Give the grids before, masked and completed, and the animation."""
        frames = [grid(np.stack(self._frames[step])) for step in sorted(self._frames)]
        faces = np.stack([one.target.face for one in self._damaged])
        return {
            "before.png": grid(faces),
            "masked.png": grid(np.stack(self._known)),
            "completed.png": frames[-1],
            "completion.gif": encode_gif(np.stack(frames), frames_per_second),
        }
