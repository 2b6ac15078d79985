"""Ingestion: every file under a folder, usable or rejected and why.

Nothing is lost silently. Each file found is one row, whatever it is: hidden
files, pipes, links that leave the folder, names that are not UTF-8 are rows with
a reason. A photo is known by the hash of its content, so a photo that was decoded
once is not decoded again, wherever it lies and whenever it was touched.

This process only hashes files. Those with new content are decoded by others, which
a file may kill or keep for too long.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from facefill.errors import DataError, PhotoError
from facefill.imaging.photos import hash_file
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.inspection import InspectPhoto, Item, content_key
from facefill.runtime.incremental import IncrementalWork, is_settled
from facefill.runtime.parallel import ChunkMapper
from facefill.runtime.progress import progress
from facefill.runtime.result_cache import ResultCache, Row
from facefill.runtime.tables import as_table

COLUMNS: dict[str, str | int] = {
    "path": "",
    "status": "",
    "reason": "",
    "sha256": "",
    "size_bytes": 0,
    "width": 0,
    "height": 0,
    "perceptual_hash": "",
    "duplicate_of": "",
}


class FoundFile(NamedTuple):
    """A file under the folder of photos.

    Attributes:
        photo_id: Its path relative to that folder, with ``/``.
        size_bytes: Of the file; of a link, of itself.
        reason: Why it is rejected unread; empty if it is to be read.
    """

    photo_id: str
    size_bytes: int
    reason: str


def ingest(
    photos: Path,
    records: ResultCache,
    options: IngestOptions,
    align: AlignOptions,
    map_chunks: ChunkMapper,
) -> pd.DataFrame:
    """List every file under a folder, with what it is or why it is rejected.

    Args:
        photos: A folder; all folders in it are searched. It is only read.
        records: What earlier runs found out, by content; updated.
        options: Limits.
        align: How many photos are a chunk, and how long one may take.
        map_chunks: Calls a function with each item of each chunk, anywhere, chunks
            in any order.

    Returns:
        One row a file, sorted by path: ``path`` (relative, with ``/``), ``status``
        (``ok`` or ``rejected``), ``reason`` (empty if ok), ``sha256``,
        ``size_bytes``, ``width``, ``height`` (upright), ``perceptual_hash`` (16
        hexadecimal digits), ``duplicate_of`` (the first path with the same bytes).

    Raises:
        DataError: If the folder is absent or holds no file but hidden ones.
    """
    found = sorted(find_files(photos))
    if all(file.reason == "hidden" for file in found):
        state = "holds no photos" if photos.is_dir() else "does not exist"
        raise DataError(f"the folder {photos} {state}; put your photos there")
    contents = _hash_all(photos, found, options)
    unique: dict[str, Item] = {}
    for file, (sha256, reason) in zip(found, contents, strict=True):
        if not reason:
            unique.setdefault(sha256, (file.photo_id, sha256))
    work = IncrementalWork(
        unique.values(),
        key=lambda item: content_key(item[1], options),
        cache=records,
        is_valid=lambda row: is_settled(row, align.timeout_s),
    )
    work.map(
        InspectPhoto(photos, options, align.timeout_s),
        map_chunks,
        align.chunk_size,
        shown=("decoding", "photos"),
    )
    work.compact()
    return as_table(_rows(found, contents, options, records), COLUMNS)


def find_files(folder: Path) -> Iterator[FoundFile]:
    """Walk a tree: each file once, and each folder that is not entered.

    Hidden folders and links to folders are not entered. Links to files are
    followed as long as they stay in the tree.
    """
    root = folder.resolve()
    pending = [folder] if folder.is_dir() else []
    while pending:
        current = pending.pop()
        try:
            entries = list(os.scandir(current))
        except OSError:
            yield _found(folder, current, "unopenable")
            continue
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                yield _found(folder, path, "hidden")
            elif entry.is_symlink():
                yield _found(folder, path, _fault_of_link(path, root))
            elif entry.is_dir():
                pending.append(path)
            else:
                yield _found(folder, path, "")


def _found(folder: Path, path: Path, reason: str) -> FoundFile:
    photo_id = path.relative_to(folder).as_posix()
    try:
        photo_id.encode()
    except UnicodeEncodeError:
        # No table or log can hold such a name as it is.
        photo_id = os.fsencode(photo_id).decode(errors="backslashreplace")
        reason = reason or "bad_name"
    try:
        size_bytes = path.lstat().st_size
    except OSError:
        size_bytes = 0
    return FoundFile(photo_id, size_bytes, reason)


def _fault_of_link(path: Path, root: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "broken_link"
    if not target.is_relative_to(root):
        return "outside"
    return "link_to_folder" if target.is_dir() else ""


def _hash_all(
    photos: Path, found: list[FoundFile], options: IngestOptions
) -> list[tuple[str, str]]:
    """Find each file's SHA-256, or why there is none."""
    contents = []
    with progress(len(found), "reading", unit="files") as advance:
        for file in found:
            sha256, reason = "", file.reason
            if not reason:
                try:
                    sha256 = hash_file(photos / file.photo_id, options.max_bytes)
                except PhotoError as error:
                    reason = error.reason
            contents.append((sha256, reason))
            advance(1)
    return contents


def _rows(
    found: list[FoundFile],
    contents: list[tuple[str, str]],
    options: IngestOptions,
    records: ResultCache,
) -> Iterator[Row]:
    first: dict[str, str] = {}
    for file, (sha256, reason) in zip(found, contents, strict=True):
        row: Row = {
            "path": file.photo_id,
            "size_bytes": file.size_bytes,
            "sha256": sha256,
            "status": "rejected",
            "reason": reason,
        }
        if not reason:
            row |= records.get(content_key(sha256, options)) or {}
        if row["status"] == "ok":
            original = first.setdefault(sha256, file.photo_id)
            row["duplicate_of"] = "" if original == file.photo_id else original
        yield row
