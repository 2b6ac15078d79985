"""Photos to aligned faces: every photo one row, done work never done again.

Work is cut into chunks of photo names, which any process can do: it reads the
photos and writes the faces itself, and returns a record for each photo. Records
are kept as their chunk ends, so a kill loses the chunks in flight and no more. A
record is trusted only if the photo's hash and the settings are those of now, and
the faces that it speaks of are there with the hashes that they had.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd

from facefill.errors import DataError
from facefill.preparation.align_worker import (
    COLUMNS,
    AlignJob,
    AlignPhoto,
    Item,
    face_path,
    new_row,
    row_key,
)
from facefill.preparation.naming import face_id, tree_name
from facefill.preparation.report import describe_reasons
from facefill.runtime.files import file_sha256, remove_litter
from facefill.runtime.progress import progress
from facefill.runtime.result_cache import ResultCache, Row
from facefill.runtime.tables import as_table

# What says nothing about the photo's pixels, and may be otherwise next time.
_TRANSIENT = ("changed", "unopenable", "out_of_memory", "crashed", "failed")

MapChunks = Callable[
    [AlignPhoto, Iterable[list[Item]]], Generator[list[Row], None, None]
]


def align_photos(
    manifest: pd.DataFrame, job: AlignJob, records: ResultCache, map_chunks: MapChunks
) -> pd.DataFrame:
    """Align every photo of a manifest that is not aligned yet.

    Args:
        manifest: From ``ingestion.ingest``.
        job: Folders and settings.
        records: What earlier runs found out; updated as chunks end.
        map_chunks: Calls a function with each item of each chunk, anywhere, chunks
            in any order.

    Returns:
        One row a photo, sorted by path; with ``multiple_faces: all`` one row a
        face, and one for each photo that has none. Columns: ``id`` (of the face:
        the path, ``path#2`` for a second one), ``path``, ``status`` (``aligned``
        or ``rejected``), ``reason``, ``num_faces`` (seen by the detector),
        ``box`` (left, top, right, bottom), ``landmarks`` (68 times x, y),
        ``matrix`` (the six numbers of the 2x3 map from photo to crop), ``face``
        (path below ``job.faces``), ``face_sha256``, ``photo_sha256``, ``width``,
        ``height`` of the photo, and ``settings``.

    Raises:
        DataError: If no photo has a face, with the reasons counted.
    """
    usable = manifest[manifest["status"] == "ok"].sort_values("path")
    wanted = dict(zip(usable["path"], usable["sha256"], strict=True))
    work = AlignPhoto(job, job.settings)
    records.load()
    todo = [item for item in wanted.items() if not _is_finished(item, work, records)]
    _remove_stale(wanted, todo, work, records)
    _align_all(todo, len(wanted) - len(todo), work, records, map_chunks)
    records.keep(row_key(item, work.settings) for item in wanted.items())
    table = as_table(_every_row(manifest, work.settings, records), COLUMNS)
    _refuse_no_face(table)
    return table


def _align_all(
    todo: list[Item],
    num_done: int,
    work: AlignPhoto,
    records: ResultCache,
    map_chunks: MapChunks,
) -> None:
    size = work.job.options.chunk_size
    chunks = (todo[start : start + size] for start in range(0, len(todo), size))
    if todo:
        _remove_all_litter(work.job.faces)
    results, num_rows = map_chunks(work, chunks), 0
    with (
        closing(results),
        progress(num_done + len(todo), "aligning", "photos", num_done) as advance,
    ):
        for rows in results:
            records.add(rows)
            num_rows += len(rows)
            advance(len(rows))
    if num_rows != len(todo):
        raise RuntimeError(f"{len(todo)} photos, but rows of {num_rows}")
    # A process that was killed has left what it was writing.
    if todo:
        _remove_all_litter(work.job.faces)


def _is_finished(item: Item, work: AlignPhoto, records: ResultCache) -> bool:
    record = records.get(row_key(item, work.settings))
    return record is not None and _is_valid(record, work.job)


def _is_valid(record: Row, job: AlignJob) -> bool:
    if record["reason"] == "timeout":
        return bool(record["timeout_s"] >= job.options.timeout_s)
    if record["reason"] in _TRANSIENT:
        return False
    try:
        return all(
            file_sha256(path) == sha256
            for path, sha256 in _written(record, job.faces).items()
        )
    except OSError:
        return False


def _written(record: Row, faces: Path) -> dict[Path, str]:
    """Give the files of a record's faces, with their hashes."""
    return {
        face_path(faces, record["path"], number): face["face_sha256"]
        # Records of versions before this one have no such entry.
        for number, face in enumerate(record.get("faces", ()), start=1)
        if not face["reason"]
    }


def _remove_stale(
    wanted: dict[str, str], todo: list[Item], work: AlignPhoto, records: ResultCache
) -> None:
    """Delete faces whose record is not kept: those that we recorded, no others."""
    faces = work.job.faces
    root = faces.resolve()
    kept = wanted.keys() - {photo_id for photo_id, _ in todo} if len(records) else set()
    for record in records.rows():
        photo_id = record["path"]
        key = row_key((photo_id, wanted.get(photo_id, "")), work.settings)
        is_kept = photo_id in kept
        if is_kept and key == record["key"]:
            continue
        current = (records.get(key) or {}) if is_kept else {}
        for path in _written(record, faces):
            is_ours = path.resolve().is_relative_to(root)
            if is_ours and path not in _written({"path": photo_id} | current, faces):
                path.unlink(missing_ok=True)


def _remove_all_litter(folder: Path) -> None:
    remove_litter(folder)
    for child in folder.rglob("*/"):
        remove_litter(child)


def _every_row(
    manifest: pd.DataFrame, settings: str, records: ResultCache
) -> Iterator[Row]:
    every = manifest.sort_values("path")
    for path, sha256, reason in zip(
        every["path"], every["sha256"], every["reason"], strict=True
    ):
        record = new_row((path, sha256), settings) | {"reason": reason}
        if not reason:
            record |= records.get(record["key"]) or {}
        yield from _rows(record)


def _rows(record: Row) -> Iterator[Row]:
    """Make the rows of a photo: one a face, or one that says why it has none."""
    for number, face in enumerate(record["faces"] or [record], start=1):
        name = face_id(record["path"], number)
        row = record | face | {"id": name, "status": "rejected"}
        if not row["reason"]:
            row |= {"status": "aligned", "face": tree_name(name)}
        yield row


def _refuse_no_face(table: pd.DataFrame) -> None:
    if (table["status"] == "aligned").any():
        return
    raise DataError(
        f"none of {len(table)} files has become a face ({describe_reasons(table)}); "
        "add photos with frontal faces, raise align.upsample to find smaller ones, or "
        "set align.method if they show something else"
    )
