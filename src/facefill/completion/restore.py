"""Photos completed as planned: searched for, blended, put back and recorded.

Every photo is one row of the result, completed or with the reason why not. Photos
are read, searched for and written ``batch_size`` at a time, so that memory does not
grow with their number, and each is recorded with the hash of all that it depends on:
the same command again completes what is missing or has changed, and no more. An error
that one photo meets is its row's, and the others go on; only where the system fails
(``OSError``, such as a full disk) does the run end.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from facefill.completion import uncertainty
from facefill.completion.curves import mean_losses
from facefill.completion.dispatch import Found, search_batches
from facefill.completion.inputs import (
    Folders,
    PhotoTask,
    Row,
    TaskReader,
    rejected,
    rejected_row,
    task_key,
)
from facefill.completion.overview import MAX_PICTURED, overview
from facefill.completion.plan import COLUMNS as PLAN_COLUMNS
from facefill.completion.plan import planned_mask
from facefill.completion.writer import ResultWriter
from facefill.errors import DataError, PhotoError
from facefill.inversion.search import LatentSearch
from facefill.parameters import IngestOptions
from facefill.runtime.batching import groups
from facefill.runtime.progress import Advance, progress
from facefill.runtime.result_cache import ResultCache

if TYPE_CHECKING:
    from facefill.runtime.parallel import ChunkMapper

logger = logging.getLogger(__name__)

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
    """Result of a completion.

    Attributes:
        table: A row for each photo: id, status, reason, mask, losses, enlargement.
        pictures: Grids and the animation by file name.
        curves: Mean losses over the photos before each iteration, by name.
    """

    table: pd.DataFrame
    pictures: dict[str, np.ndarray | bytes]
    curves: dict[str, np.ndarray]


def restore(
    plan: pd.DataFrame,
    folders: Folders,
    search: LatentSearch,
    limits: IngestOptions,
    map_chunks: "ChunkMapper | None" = None,
) -> Restored:
    """Complete every photo that is planned and not completed yet.

    Args:
        plan: A row for each photo, from ``plan.plan``.
        folders: Folders to read and write.
        search: Latent search.
        limits: Limits of the photos, which are read again to put faces back.
        map_chunks: Maps searches over the workers of a cluster; None searches in
            this process. Files are written by this process alone.

    Returns:
        Rows, pictures and curves; rows are in the order of ``plan``.

    Raises:
        DataError: If no photo can be completed, with the counts of reasons, or the
            plan lacks columns.
    """
    if not set(PLAN_COLUMNS) <= set(plan.columns):
        raise DataError(
            "the plan of the completion is of another version of facefill; make it "
            "anew with `kedro run --pipeline=complete`"
        )
    completion = _Completion(folders, search, limits, map_chunks)
    rows = completion.run(list(plan.itertuples()))
    table = pd.DataFrame([rows[str(face_id)] for face_id in plan["id"]])
    completed = table[table["status"] == "completed"]
    if completed.empty:
        raise DataError(f"no photo can be completed: {_reasons(rows.values())}")
    # A column without any number would have no type.
    numbers = dict.fromkeys(uncertainty.COLUMNS, np.float64)
    return Restored(
        table=table[list(COLUMNS)].astype(numbers),
        pictures=overview(
            list(completed["id"][:MAX_PICTURED]),
            dict(zip(plan["id"], plan["face"], strict=True)),
            folders,
            search.options.frames_per_second,
        ),
        curves=mean_losses(completed["id"], folders.output),
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


class _Completion:
    """Completes the photos that are not finished, and collects a row for each."""

    def __init__(
        self,
        folders: Folders,
        search: LatentSearch,
        limits: IngestOptions,
        map_chunks: "ChunkMapper | None",
    ) -> None:
        self._reader = TaskReader(
            folders.faces, folders.masks, search.options, search.seed, search.image_size
        )
        self._writer = ResultWriter(folders, limits)
        self._records = ResultCache(folders.records)
        self._search = search
        self._networks = folders.records / _NETWORKS
        self._map_chunks = map_chunks
        self._rows: dict[str, Row] = {}

    def run(self, plan: list[Any]) -> dict[str, Row]:
        """Complete what is not completed; return a row for each photo, by its id."""
        settings = self._search.settings_sha256
        keys = {row.id: task_key(row, settings) for row in plan}
        self._take_finished(keys)
        todo = [row for row in plan if row.id not in self._rows]
        per_photo = self._search.iterations_per_photo
        with progress(
            len(plan) * per_photo,
            "completing",
            "iterations of photos",
            done=len(self._rows) * per_photo,
        ) as advance:
            tasks = self._read(todo, keys, advance)
            batches = groups(tasks, self._search.options.batch_size)
            for batch in search_batches(
                self._search, batches, self._networks, advance, self._map_chunks
            ):
                self._keep(batch)
        self._records.keep(row["key"] for row in self._rows.values() if "key" in row)
        return self._rows

    def _take_finished(self, keys: dict[str, str]) -> None:
        """Reuse the rows of photos that earlier runs have completed."""
        self._records.load()
        for face_id, key in keys.items():
            row = self._records.get(key)
            if row and self._writer.is_whole(row):
                self._rows[face_id] = row

    def _read(
        self, todo: Iterable[Any], keys: dict[str, str], advance: Advance
    ) -> Iterator[PhotoTask]:
        """Read the photos whose mask is planned; the others become rows."""
        for row in todo:
            if row.problem:
                self._reject(
                    rejected_row(str(row.id), row.problem_reason, row.problem), advance
                )
                continue
            try:
                task = self._reader.read(row, planned_mask(row), keys[row.id])
            except OSError:
                raise
            except Exception as error:
                self._reject(rejected(str(row.id), error), advance)
            else:
                yield task

    def _keep(self, batch: list[Found]) -> None:
        """Write and record what was found for a batch."""
        new_rows = []
        for found in batch:
            face_id = found.task.face_id
            if found.failure:
                self._reject(rejected(face_id, PhotoError(found.failure)))
                continue
            try:
                new_rows.append(self._writer.write(*found[:3]))
            except OSError:
                raise
            except Exception as error:
                self._reject(rejected(face_id, error))
        self._records.add(new_rows)
        self._rows.update({row["id"]: row for row in new_rows})

    def _reject(self, row: Row, advance: Advance | None = None) -> None:
        self._rows[row["id"]] = row
        logger.warning("%s is not completed: %s", row["id"], row["detail"])
        if advance is not None:  # nobody searches for it
            advance(self._search.iterations_per_photo)


def _reasons(rows: Iterable[Row]) -> str:
    counts = pd.Series([row["reason"] for row in rows], dtype=str).value_counts()
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"
