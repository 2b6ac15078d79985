"""Photos completed as planned: searched for, blended, put back and recorded.

Every face, or photo without one, is one row of the result, completed or with the reason
why not. Photos are read, searched for and written ``batch_size`` at a time, so that
memory does not grow with their number, and each is recorded with the hash of all that
it depends on: the same command again completes what is missing or has changed, and no
more. An error that one photo meets is its row's, and the others go on; only where the
system fails (``OSError``, such as a full disk) does the run end.
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
    Results,
    Row,
    TaskReader,
    rejected,
    rejected_row,
    task_key,
)
from facefill.completion.overview import MAX_PICTURED, overview
from facefill.completion.plan import COLUMNS as PLAN_COLUMNS
from facefill.completion.plan import photos_of, planned_mask
from facefill.completion.writer import ResultWriter
from facefill.errors import DataError
from facefill.inversion.search import LatentSearch
from facefill.parameters import IngestOptions
from facefill.preparation.naming import photo_of
from facefill.runtime.algebra_threads import one_algebra_thread
from facefill.runtime.batching import groups
from facefill.runtime.progress import Advance, progress
from facefill.runtime.remembered import key_of
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
    "faces",
    "by_face",
    "by_inpainting",
    "left",
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
        table: A row for each face, or photo without one: id, status, reason, mask,
            losses, enlargement.
        pictures: Grids and the animation by file name.
        curves: Mean losses over the photos before each iteration, by name.
    """

    table: pd.DataFrame
    pictures: dict[str, np.ndarray | bytes]
    curves: dict[str, np.ndarray]


def restore(
    plan: pd.DataFrame,
    folders: Folders,
    results: Results,
    search: LatentSearch,
    limits: IngestOptions,
    map_chunks: "ChunkMapper | None" = None,
) -> Restored:
    """Complete every photo that is planned and not completed yet.

    Args:
        plan: A row for each photo, from ``plan.plan``.
        folders: Folders to read.
        results: Folders to write.
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
    completion = _Completion(folders, results, search, limits, map_chunks)
    rows = completion.run(dict(photos_of(plan)))
    table = pd.DataFrame([rows[str(face_id)] for face_id in plan["id"]])
    completed = table[table["status"] == "completed"]
    if completed.empty:
        raise DataError(f"no photo can be completed: {_reasons(rows.values())}")
    # A column without any number would have no type.
    numbers = dict.fromkeys(uncertainty.COLUMNS, np.float64)
    with_face = completed["id"][completed["faces"] > 0]
    return Restored(
        table=table.reindex(columns=COLUMNS).astype(numbers),
        pictures=overview(
            list(with_face[:MAX_PICTURED]),
            dict(zip(plan["id"], plan["face"], strict=True)),
            folders.faces,
            results.output,
            search.options.frames_per_second,
        ),
        curves=mean_losses(with_face, results.output),
    )


def report(table: pd.DataFrame) -> Row:
    """Summarise a completion as JSON: counts by reason, mean losses, chains.

    Args:
        table: A row for each face, or for a photo without any.

    Returns:
        ``photos``, ``completed`` and ``rejected``, the last by reason, count photos,
        and ``faces`` the faces that were completed in them.
    """
    photos = table["id"].map(photo_of)
    completed = table[table["status"] == "completed"]
    # A photo of which one face is completed may have another that is not.
    rejected_rows = table[table["status"] == "rejected"][["reason"]]
    rejected_photos = rejected_rows.assign(photo=photos).drop_duplicates()
    means = completed[["contextual", "perceptual", "loss", "known_error"]].astype(float)
    return {
        "photos": photos.nunique(),
        "faces": int((completed["faces"] > 0).sum()),
        "completed": photos[completed.index].nunique(),
        "rejected": rejected_photos["reason"].value_counts().to_dict(),
        # No known pixel, no error over the known pixels.
        "mean": means.mean().dropna().to_dict(),
    } | uncertainty.report_chains(completed)


class _Completion:
    """Completes the photos that are not finished, and collects a row for each."""

    def __init__(
        self,
        folders: Folders,
        results: Results,
        search: LatentSearch,
        limits: IngestOptions,
        map_chunks: "ChunkMapper | None",
    ) -> None:
        options = search.options
        self._reader = TaskReader(
            folders, options, limits, search.seed, search.image_size
        )
        self._refiner = search.refiner
        self._writer = ResultWriter(
            folders.photos, results.output, limits, options.outside, self._refiner
        )
        self._records = ResultCache(results.records)
        self._search = search
        self._networks = results.records / _NETWORKS
        self._map_chunks = map_chunks
        self._done: dict[str, None] = {}  # keys, in the order of their records
        self._rows: dict[str, Row] = {}

    def run(self, plan: dict[str, list[Any]]) -> dict[str, Row]:
        """Complete what is not completed.

        Args:
            plan: Rows of each photo in the plan, by its path.

        Returns:
            A row of the table for each row of the plan, by its id.
        """
        sound = self._without_problems(plan)
        settings = self._settings
        keys = {path: task_key(rows, settings) for path, rows in sound.items()}
        self._take_finished(keys)
        todo = {
            path: rows for path, rows in sound.items() if keys[path] not in self._done
        }
        per_face = self._search.iterations_per_photo
        num_faces = sum(map(len, sound.values()))
        bar = progress(
            num_faces * per_face,
            "completing",
            "iterations of faces",
            done=(num_faces - sum(map(len, todo.values()))) * per_face,
        )
        with one_algebra_thread(), bar as advance:
            tasks = self._read(todo, keys, advance)
            batches = groups(tasks, self._search.options.batch_size)
            for batch in search_batches(
                self._search, batches, self._networks, advance, self._map_chunks
            ):
                self._keep(batch)
        self._records.keep(self._done)
        return self._rows

    @property
    def _settings(self) -> str:
        """Hash of everything that decides the outcome of any given photo."""
        refiner = self._refiner.fingerprint if self._refiner else ""
        return key_of(self._search.settings_sha256, refiner)

    def _without_problems(self, plan: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Rows of each photo that are to be completed; the others become rows here."""
        sound: dict[str, list[Any]] = {}
        for path, rows in plan.items():
            for row in rows:
                if row.problem:
                    self._reject(
                        rejected_row(str(row.id), row.problem_reason, row.problem)
                    )
                else:
                    sound.setdefault(path, []).append(row)
        return sound

    def _take_finished(self, keys: dict[str, str]) -> None:
        """Reuse the rows of photos that earlier runs have completed."""
        self._records.load()
        for key in keys.values():
            record = self._records.get(key)
            # Records of versions before this one are of faces.
            if record and "rows" in record and self._writer.is_whole(record):
                self._take(record)

    def _take(self, record: Row) -> None:
        self._done[record["key"]] = None
        self._rows.update({row["id"]: row for row in record["rows"]})

    def _read(
        self, todo: dict[str, list[Any]], keys: dict[str, str], advance: Advance
    ) -> Iterator[PhotoTask]:
        for path, rows in todo.items():
            if task := self._task(rows, keys[path], advance):
                yield task

    def _task(self, rows: list[Any], key: str, advance: Advance) -> PhotoTask | None:
        try:
            task = self._reader.read(rows, planned_mask(rows[0]), key)
        except OSError:
            raise
        except Exception as error:
            for row in rows:
                self._reject(rejected(str(row.id), error), advance)
            return None
        if not task.faces:  # there is nothing to search for
            advance(self._search.iterations_per_photo)
        return task

    def _keep(self, batch: list[Found]) -> None:
        """Write and record what was found for a batch."""
        records = []
        for found, outcome in zip(batch, self._writer.write(batch), strict=True):
            if isinstance(outcome, Exception):
                for face_id in found.task.ids:
                    self._reject(rejected(face_id, outcome))
            else:
                records.append(outcome)
        self._records.add(records)
        for record in records:
            self._take(record)

    def _reject(self, row: Row, advance: Advance | None = None) -> None:
        self._rows[row["id"]] = row
        logger.warning("%s is not completed: %s", row["id"], row["detail"])
        if advance is not None:  # nobody searches for it
            advance(self._search.iterations_per_photo)


def _reasons(rows: Iterable[Row]) -> str:
    counts = pd.Series([row["reason"] for row in rows], dtype=str).value_counts()
    return ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "none"
