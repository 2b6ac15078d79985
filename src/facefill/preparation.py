"""Photos to aligned faces: every photo one row, done work never done again.

Work is cut into chunks of photo names, which any process can do: it reads the
photos and writes the faces itself, and returns the rows. Rows are recorded as
their chunk ends, so a kill loses the chunks in flight and no more. A record is
trusted only if the photo's hash and the settings are those of now, and the face
that it speaks of is there with the hash that it had.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from operator import itemgetter
from pathlib import Path

import pandas as pd

from facefill.cropping import COLUMNS, AlignChunk, Chunk, Job, new_row
from facefill.errors import DataError
from facefill.files import file_sha256, remove_litter
from facefill.naming import tree_name
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
        records: Rows of earlier runs; updated as chunks end.
        map_chunks: Calls a function with each chunk, anywhere, in any order.

    Returns:
        One row a photo, sorted by path: ``path``, ``status`` (``aligned`` or
        ``rejected``), ``reason``, ``num_faces``, ``box`` (left, top, right,
        bottom), ``landmarks`` (68 times x, y), ``matrix`` (the six numbers of the
        2x3 map from photo to crop), ``face`` (path below ``job.faces``),
        ``face_sha256``, ``photo_sha256``, ``width``, ``height`` of the photo, and
        ``settings``.

    Raises:
        DataError: If no photo has a face, with the reasons counted.
    """
    usable = manifest[manifest["status"] == "ok"]
    wanted = dict(zip(usable["path"], usable["sha256"], strict=True))
    settings = job.settings
    known = records.load()
    rows = _finished(wanted, known, job.faces, settings)
    _remove_stale(known.values(), wanted, job.faces)
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
    every = [*rows.values(), *_rejected(manifest, settings)]
    table = as_table(sorted(every, key=itemgetter("path")), COLUMNS)
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


def _is_valid(row: Row, faces: Path) -> bool:
    if row["status"] != "aligned":
        return row["reason"] not in _TRANSIENT
    try:
        sha256 = file_sha256(faces / tree_name(row["path"]))
    except OSError:
        return False
    return sha256 == str(row["face_sha256"])


def _remove_stale(known: Iterable[Row], wanted: dict[str, str], faces: Path) -> None:
    """Delete faces of photos that are gone: those that we recorded, no others."""
    kept = {tree_name(photo_id) for photo_id in wanted}
    root = faces.resolve()
    for row in known:
        name = tree_name(row["path"])
        if (
            row["status"] == "aligned"
            and name not in kept
            and (faces / name).resolve().is_relative_to(root)
        ):
            (faces / name).unlink(missing_ok=True)


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


def _refuse_no_face(table: pd.DataFrame) -> None:
    if (table["status"] == "aligned").any():
        return
    raise DataError(
        f"no face was found in any of {len(table)} files ({describe_reasons(table)}); "
        "add photos with frontal faces, or raise align.upsample to find smaller ones"
    )
