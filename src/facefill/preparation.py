"""Photos to aligned faces: every photo one row, done work never done again.

Work is cut into chunks of photo names, which any process can do: it reads the
photos and writes the faces itself, and returns a record for each photo. Records
are kept as their chunk ends, so a kill loses the chunks in flight and no more. A
record is trusted only if the photo's hash and the settings are those of now, and
the faces that it speaks of are there with the hashes that they had.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from operator import itemgetter
from pathlib import Path

import pandas as pd

from facefill.cropping import COLUMNS, AlignChunk, Chunk, Job, face_path, new_row
from facefill.errors import DataError
from facefill.files import file_sha256, remove_litter
from facefill.naming import face_id, tree_name
from facefill.parameters import AlignOptions
from facefill.progress import progress
from facefill.records import Records, Row, as_table
from facefill.reports import describe_reasons

# What says nothing about the photo's pixels, and may be otherwise next time.
_TRANSIENT = ("changed", "unopenable", "out_of_memory", "crashed")

MapChunks = Callable[[AlignChunk, Sequence[Chunk]], Generator[list[Row], None, None]]


def align_photos(
    manifest: pd.DataFrame, job: Job, records: Records, map_chunks: MapChunks
) -> pd.DataFrame:
    """Align every photo of a manifest that is not aligned yet.

    Args:
        manifest: From ``ingestion.ingest``.
        job: Folders and settings.
        records: What earlier runs found out; updated as chunks end.
        map_chunks: Calls a function with each chunk, anywhere, in any order.

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
    usable = manifest[manifest["status"] == "ok"]
    wanted = dict(zip(usable["path"], usable["sha256"], strict=True))
    settings = job.settings
    known = records.load()
    rows = _finished(wanted, known, job.faces, settings)
    _remove_stale(known.values(), rows.values(), job.faces)
    todo = [(path, sha) for path, sha in wanted.items() if path not in rows]
    if todo:
        _remove_all_litter(job.faces)
    results = map_chunks(AlignChunk(job, settings), _chunks(todo, job.options))
    with (
        closing(results),
        progress(len(wanted), "aligning", unit="photos", done=len(rows)) as advance,
    ):
        for new_rows in results:
            records.add(new_rows)
            rows.update({row["path"]: row for row in new_rows})
            advance(len(new_rows))
    if rows.keys() != wanted.keys():
        raise RuntimeError(f"{len(wanted)} photos, but rows of {len(rows)}")
    records.keep(row for path, row in sorted(rows.items()))
    every = sorted(
        [*rows.values(), *_rejected(manifest, settings)], key=itemgetter("path")
    )
    table = as_table([row for record in every for row in _rows(record)], COLUMNS)
    _refuse_no_face(table)
    return table


def _chunks(todo: Chunk, options: AlignOptions) -> list[Chunk]:
    size = options.chunk_size
    return [todo[start : start + size] for start in range(0, len(todo), size)]


def _finished(
    wanted: dict[str, str], known: dict[str, Row], faces: Path, settings: str
) -> dict[str, Row]:
    rows = {}
    for photo_id, sha256 in wanted.items():
        row = known.get(f"{sha256} {settings} {photo_id}")
        if row and _is_valid(row, faces):
            rows[photo_id] = row
    return rows


def _is_valid(record: Row, faces: Path) -> bool:
    if record["reason"] in _TRANSIENT:
        return False
    try:
        return all(
            file_sha256(path) == sha256
            for path, sha256 in _written(record, faces).items()
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


def _remove_stale(known: Iterable[Row], kept: Iterable[Row], faces: Path) -> None:
    """Delete faces whose record is not kept: those that we recorded, no others."""
    root = faces.resolve()
    wanted = {path for record in kept for path in _written(record, faces)}
    for record in known:
        for path in _written(record, faces):
            if path not in wanted and path.resolve().is_relative_to(root):
                path.unlink(missing_ok=True)


def _remove_all_litter(folder: Path) -> None:
    remove_litter(folder)
    for child in folder.rglob("*/"):
        remove_litter(child)


def _rejected(manifest: pd.DataFrame, settings: str) -> Iterator[Row]:
    rejected = manifest[manifest["status"] != "ok"]
    for path, reason, sha256 in zip(
        rejected["path"], rejected["reason"], rejected["sha256"], strict=True
    ):
        yield new_row(path, sha256, settings) | {"reason": reason}


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
