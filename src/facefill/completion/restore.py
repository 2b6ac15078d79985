"""Damaged photos to completed ones: faces searched for, blended and put back.

Every photo is one row of the result, completed or with the reason why not. Photos
are read, searched for and written ``batch_size`` at a time, so that memory does not
grow with their number, and each is recorded with the hash of all that it depends on:
the same command again completes what is missing or has changed, and no more.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from facefill.completion import uncertainty
from facefill.completion.dispatch import Found, search_batches
from facefill.completion.inputs import Folders, PhotoTask, Row, TaskReader, rejected
from facefill.completion.writer import ResultWriter
from facefill.errors import DataError, MaskError, PhotoError
from facefill.imaging.pictures import encode_gif, grid, read_png
from facefill.inversion.masking import MaskMaker
from facefill.inversion.search import LatentSearch
from facefill.parameters import IngestOptions
from facefill.runtime.batching import groups
from facefill.runtime.progress import Advance, progress
from facefill.runtime.result_cache import ResultCache

if TYPE_CHECKING:
    from facefill.runtime.parallel import ChunkMapper

logger = logging.getLogger(__name__)

MAX_PICTURED = 64
"""Photos in the grids and the animation, which more would make unreadable."""

COLUMNS = (
    "id",
    "status",
    "reason",
    "detail",
    "mask",
    "known_share",
    "contextual",
    "perceptual",
    "loss",
    "known_error",
    "candidates",
    "candidate_distance",
    "enlargement",
    *uncertainty.COLUMNS,
)

_NETWORKS = "networks"


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
    search: LatentSearch,
    limits: IngestOptions,
    map_chunks: "ChunkMapper | None" = None,
) -> Restored:
    """Complete every photo whose face was found and that is not completed yet.

    Args:
        alignment: A row a photo, from ``alignment.align_photos``.
        folders: Where everything is.
        masks: Gives each photo its mask.
        search: The latent search.
        limits: Of the photos, which are read again to put faces back.
        map_chunks: Maps searches over the workers of a cluster; None searches in
            this process. Files are written by this process alone.

    Returns:
        Rows, pictures and curves; rows are in the order of ``alignment``.

    Raises:
        DataError: If no photo can be completed, with the counts of reasons.
    """
    work = _Restoration(folders, masks, search, limits, map_chunks)
    rows = work.run(list(alignment.itertuples()))
    table = pd.DataFrame([rows[str(face_id)] for face_id in alignment["id"]])
    completed = table[table["status"] == "completed"]
    if completed.empty:
        raise DataError(f"no photo can be completed: {_reasons(rows.values())}")
    # A column without any number would have no type.
    numbers = dict.fromkeys(uncertainty.COLUMNS, np.float64)
    return Restored(
        table=table[list(COLUMNS)].astype(numbers),
        pictures=_pictures(
            list(completed["id"][:MAX_PICTURED]),
            alignment.set_index("id")["face"],
            folders,
            search.options.frames_per_second,
        ),
        curves=_curves(list(completed["id"]), folders),
    )


def report(table: pd.DataFrame) -> Row:
    """Summarise a completion as JSON: counts by reason, mean losses, chains."""
    completed = table[table["status"] == "completed"]
    rejected_rows = table[table["status"] == "rejected"]
    means = completed[["contextual", "perceptual", "loss", "known_error"]].astype(float)
    return {
        "photos": len(table),
        "completed": len(completed),
        "rejected": rejected_rows["reason"].value_counts().to_dict(),
        # No known pixel, no error over the known pixels.
        "mean": means.mean().dropna().to_dict(),
    } | uncertainty.report_chains(completed)


class _Restoration:
    """The work on the photos that are not finished."""

    def __init__(
        self,
        folders: Folders,
        masks: MaskMaker,
        search: LatentSearch,
        limits: IngestOptions,
        map_chunks: "ChunkMapper | None",
    ) -> None:
        self._reader = TaskReader(
            folders.faces, folders.masks, masks, search.image_size
        )
        self._writer = ResultWriter(folders, limits)
        self._records = ResultCache(folders.records)
        self._search = search
        self._networks = folders.records / _NETWORKS
        self._map_chunks = map_chunks
        self._rows: dict[str, Row] = {}

    def run(self, alignment: list[Any]) -> dict[str, Row]:
        """Complete what is not completed; give a row for each photo, by its id."""
        settings = self._search.settings_sha256
        keys = {row.id: self._reader.key(row, settings) for row in alignment}
        self._records.load()
        for face_id, key in keys.items():
            row = self._records.get(key)
            if row and self._writer.is_whole(row):
                self._rows[face_id] = row
        todo = [row for row in alignment if row.id not in self._rows]
        per_photo = self._search.iterations_per_photo
        with progress(
            len(alignment) * per_photo,
            "completing",
            "iterations of photos",
            done=len(self._rows) * per_photo,
        ) as advance:
            damaged = self._read(todo, keys, advance)
            batches = groups(damaged, self._search.options.batch_size)
            for batch in search_batches(
                self._search, batches, self._networks, advance, self._map_chunks
            ):
                self._keep(batch)
        self._records.keep(row["key"] for row in self._rows.values() if "key" in row)
        return self._rows

    def _read(
        self, todo: Iterable[Any], keys: dict[str, str], advance: Advance
    ) -> Iterator[PhotoTask]:
        for row in todo:
            try:
                yield self._reader.read(row, keys[row.id])
            except (PhotoError, MaskError) as error:
                self._rows[row.id] = rejected(str(row.id), error)
                logger.warning("%s is not completed: %s", row.id, error)
                advance(self._search.iterations_per_photo)

    def _keep(self, batch: list[Found]) -> None:
        new_rows = []
        for found in batch:
            if found.failure:
                error = PhotoError(found.failure)
                face_id = found.damaged.face_id
                self._rows[face_id] = rejected(face_id, error)
                logger.warning("%s is not completed: %s", face_id, error)
            else:
                new_rows.append(self._writer.write(*found[:3]))
        self._records.add(new_rows)
        self._rows.update({row["id"]: row for row in new_rows})


def _reasons(rows: Iterable[Row]) -> str:
    counts = pd.Series([row["reason"] for row in rows], dtype=str).value_counts()
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"


def _pictures(
    photos: list[str], faces: pd.Series, folders: Folders, frames_per_second: float
) -> dict[str, np.ndarray | bytes]:
    """Give grids of the photos and animations; of chains too, if there were any."""

    def pictures_of(name: str) -> np.ndarray:
        return np.stack([read_png(folders.output / one / name) for one in photos])

    frames = _frames(pictures_of("frames.png"))
    before = [read_png(folders.faces / faces[one]) for one in photos]
    pictures: dict[str, np.ndarray | bytes] = {
        "before.png": grid(np.stack(before)),
        "masked.png": grid(pictures_of("known.png")),
        "completed.png": frames[-1],
        "blended.png": grid(pictures_of("blended.png")),
        "completion.gif": encode_gif(np.stack(frames), frames_per_second),
    }
    if all((folders.output / one / uncertainty.SAMPLES).is_file() for one in photos):
        samples = _frames(pictures_of(uncertainty.SAMPLES))
        pictures |= {name: grid(pictures_of(name)) for name in uncertainty.MAPS}
        pictures["mean.png"] = grid(pictures_of("generated.png"))
        pictures["samples.gif"] = encode_gif(np.stack(samples), frames_per_second)
    return pictures


def _frames(strips: np.ndarray) -> list[np.ndarray]:
    """Cut strips of pictures, (photos, S, frames * S, 3), into grids of all photos."""
    size = strips.shape[1]
    return [
        grid(strips[:, :, begin : begin + size])
        for begin in range(0, strips.shape[2], size)
    ]


def _curves(photos: list[str], folders: Folders) -> dict[str, np.ndarray]:
    """Average the losses of the photos' best candidates, iteration by iteration."""
    names = ["contextual", "perceptual"]
    total = np.zeros(())
    for one in photos:
        history = pd.read_parquet(folders.output / one / "history.parquet")
        total = total + history[history["candidate"] == 1][names].to_numpy(np.float64)
    return dict(zip(names, (np.asarray(total) / len(photos)).T, strict=True))
