"""Alignment of a folder of photos: one row a photo, done work never done again.

Work is cut into chunks of photo names, which any process can do: it reads the
photos and writes the faces itself, and returns a record for each photo. Records
are kept as their chunk ends, so a kill loses the chunks in flight and no more. A
record is trusted only if the photo's hash and the settings are those of now, and
the faces that it speaks of are there with the hashes that they had.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pandas as pd

from facefill.errors import DataError
from facefill.imaging.geometry import shrinking
from facefill.imaging.photos import has_colour_profile
from facefill.preparation.align_worker import (
    COLOURS,
    COLUMNS,
    CROPS,
    AlignItem,
    AlignJob,
    AlignPhoto,
    face_path,
    new_row,
    row_key,
)
from facefill.preparation.naming import face_id, tree_name
from facefill.preparation.report import describe_reasons
from facefill.runtime.files import file_sha256, remove_litter
from facefill.runtime.incremental import IncrementalWork, is_settled
from facefill.runtime.parallel import ChunkMapper
from facefill.runtime.result_cache import ResultCache, Row
from facefill.runtime.tables import as_table


def align_photos(
    manifest: pd.DataFrame,
    job: AlignJob,
    records: ResultCache,
    map_chunks: ChunkMapper,
    holes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Align every photo of a manifest that is not aligned yet.

    Args:
        manifest: From ``ingestion.ingest``.
        job: Folders and settings.
        records: What earlier runs found out; updated as chunks end.
        map_chunks: Calls a function with each item of each chunk, anywhere, chunks
            in any order.
        holes: Mask file and hint of each photo, from ``completion.holes``; None if the
            photos are whole. Damaged ones may all be without a face: what becomes of
            them is for the completion to say.

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
    damages = _damages(holes)
    wanted = {
        path: AlignItem(path, sha256, *damages.get(path, ()))
        for path, sha256 in zip(usable["path"], usable["sha256"], strict=True)
    }
    align = AlignPhoto(job, job.settings)
    work = IncrementalWork(
        wanted.values(),
        key=lambda item: row_key(item, align.settings),
        cache=records,
        is_valid=lambda record: _is_valid(record, job),
    )
    _remove_stale(wanted, work.todo, align, records)
    with _no_litter(job.faces) if work.todo else nullcontext():
        chunk_size = job.options.chunk_size
        work.map(align, map_chunks, chunk_size, shown=("aligning", "photos"))
    work.compact()
    every = [
        wanted.get(path, AlignItem(path, sha256))
        for path, sha256 in zip(manifest["path"], manifest["sha256"], strict=True)
    ]
    reasons = dict(zip(manifest["path"], manifest["reason"], strict=True))
    rows = _every_row(sorted(every), reasons, align.settings, records)
    table = as_table(rows, COLUMNS)
    if holes is None:
        _refuse_no_face(table)
    return table


def _damages(holes: pd.DataFrame | None) -> dict[str, tuple[str, str, str, str]]:
    """Mask file, its hash, hint and its hash of each photo that has any, by path."""
    if holes is None:
        return {}
    names = ["mask_file", "mask_sha256", "hint_file", "hint_sha256"]
    rows = zip(holes["path"], *(holes[name] for name in names), strict=True)
    return {path: (a, b, c, d) for path, a, b, c, d in rows if a or c}


def _is_valid(record: Row, job: AlignJob) -> bool:
    if not is_settled(record, job.options.timeout_s):
        return False
    try:
        if not _has_crops_of_now(record):
            return False
        if not _has_colours_of_now(record, job.photos / record["path"]):
            return False
        return all(
            file_sha256(path) == sha256
            for path, sha256 in _written(record, job.faces).items()
        )
    except OSError:
        return False


def _has_colours_of_now(record: Row, photo: Path) -> bool:
    """Whether a record is of the photo's colours as they are converted now.

    Records of versions that took the numbers of every profile for sRGB say nothing of
    it, and are right for photos without a profile.
    """
    if record.get("colours") == COLOURS:
        return True
    return not has_colour_profile(photo.read_bytes())


def _has_crops_of_now(record: Row) -> bool:
    """Whether a record is of faces that were cut out as they are now.

    Records of versions that sampled faces of any size say nothing of it, and are right
    for faces that are not much larger than their crop.
    """
    if record.get("crops") == CROPS:
        return True
    shape = record["height"], record["width"]
    return not any(
        shrinking(np.reshape(face["matrix"], (2, 3)), shape)[0] > 1
        for face in record.get("faces", ())
        if not face["reason"] and face["landmarks"] is not None
    )


def _written(record: Row, faces: Path) -> dict[Path, str]:
    """Map the files of a record's faces to their hashes."""
    return {
        face_path(faces, record["path"], number): face["face_sha256"]
        # Records of versions before this one have no such entry.
        for number, face in enumerate(record.get("faces", ()), start=1)
        if not face["reason"]
    }


def _remove_stale(
    wanted: dict[str, AlignItem],
    todo: list[AlignItem],
    align: AlignPhoto,
    records: ResultCache,
) -> None:
    """Delete faces whose record is not kept: those that we recorded, no others."""
    faces = align.job.faces
    root = faces.resolve()
    unfinished = {item.photo_id for item in todo}
    kept = wanted.keys() - unfinished if len(records) else set()
    for record in records.rows():
        photo_id = record["path"]
        item = wanted.get(photo_id, AlignItem(photo_id, ""))
        key = row_key(item, align.settings)
        is_kept = photo_id in kept
        if is_kept and key == record["key"]:
            continue
        current = (records.get(key) or {}) if is_kept else {}
        for path in _written(record, faces):
            is_ours = path.resolve().is_relative_to(root)
            if is_ours and path not in _written({"path": photo_id} | current, faces):
                path.unlink(missing_ok=True)


@contextmanager
def _no_litter(folder: Path) -> Iterator[None]:
    """Delete what killed processes were writing: of runs before, and of this one."""
    _remove_all_litter(folder)
    yield
    _remove_all_litter(folder)


def _remove_all_litter(folder: Path) -> None:
    remove_litter(folder)
    for child in folder.rglob("*/"):
        remove_litter(child)


def _every_row(
    items: list[AlignItem],
    reasons: dict[str, str],
    settings: str,
    records: ResultCache,
) -> Iterator[Row]:
    for item in items:
        reason = reasons[item.photo_id]
        record = new_row(item, settings) | {"reason": reason}
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
    said = f"none of {len(table)} files has become a face ({describe_reasons(table)}); "
    # Of what was decoded the size is known.
    if (table["width"] > 0).any():
        raise DataError(
            f"{said}add photos with frontal faces, raise align.upsample to find "
            "smaller ones, or set align.method if they show something else"
        )
    raise DataError(
        f"{said}none of them could be opened as a photo: save them as JPEG or PNG "
        "(HEIC and AVIF are not read), and see docs/reliability.md for each reason"
    )
