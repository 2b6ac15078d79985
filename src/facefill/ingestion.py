"""Every file under a folder of photos, judged: usable, or rejected and why.

Nothing is lost silently. Each file found is one row, whatever it is: hidden
files, pipes, links that leave the folder, names that are not UTF-8 are rows with
a reason. A photo is known by the hash of its content, so a photo that was decoded
once is not decoded again, wherever it lies and whenever it was touched.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from facefill.errors import DataError, PhotoError
from facefill.images import decode_photo, perceptual_hash, read_content
from facefill.parameters import IngestOptions
from facefill.progress import progress
from facefill.records import Records, Row, as_table

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
_PHOTOS_A_RECORD = 1000
# Not a property of the photo: memory may suffice the next time.
_TRANSIENT = "out_of_memory"


class FoundFile(NamedTuple):
    """A file under the folder of photos.

    Attributes:
        photo_id: Its path relative to that folder, with ``/``.
        path: Where it is.
        reason: Why it is rejected unread; empty if it is to be read.
    """

    photo_id: str
    path: Path
    reason: str


def ingest(photos: Path, records: Records, options: IngestOptions) -> pd.DataFrame:
    """List every file under a folder, with what it is or why it is rejected.

    Args:
        photos: A folder; all folders in it are searched. It is only read.
        records: What earlier runs found out, by content; updated.
        options: Limits.

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
    judge = _Judge(records, options)
    rows = []
    with progress(len(found), "ingesting", unit="files") as advance:
        for file in found:
            rows.append(judge.row(file))
            advance(1)
    judge.finish()
    return as_table(rows, COLUMNS)


def find_files(folder: Path) -> Iterator[FoundFile]:
    """Walk a tree, giving each file once, and each folder that is not entered.

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
        readable = os.fsencode(photo_id).decode(errors="backslashreplace")
        return FoundFile(readable, path, reason or "bad_name")
    return FoundFile(photo_id, path, reason)


def _fault_of_link(path: Path, root: Path) -> str:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "broken_link"
    if not target.is_relative_to(root):
        return "outside"
    return "link_to_folder" if target.is_dir() else ""


class _Judge:
    """Decodes each content once, and remembers what it was."""

    def __init__(self, records: Records, options: IngestOptions) -> None:
        self._records = records
        self._options = options
        self._known = records.load()
        self._used: dict[str, Row] = {}
        self._fresh: list[Row] = []
        self._first: dict[str, str] = {}

    def row(self, file: FoundFile) -> Row:
        """Judge one file: a row of the manifest."""
        row: Row = {"path": file.photo_id, "status": "rejected", "reason": file.reason}
        row["size_bytes"] = _size_bytes(file.path)
        if file.reason:
            return row
        try:
            content = read_content(file.path, self._options.max_bytes)
        except PhotoError as error:
            return row | {"reason": error.reason}
        row["sha256"] = sha256 = hashlib.sha256(content).hexdigest()
        facts = self._facts(sha256, content)
        row |= {key: value for key, value in facts.items() if key != "key"}
        if row["status"] == "ok":
            first = self._first.setdefault(sha256, file.photo_id)
            row["duplicate_of"] = "" if first == file.photo_id else first
        return row

    def finish(self) -> None:
        """Remember what this run used, and nothing else."""
        self._records.keep(self._used.values())

    def _facts(self, sha256: str, content: bytes) -> Row:
        key = f"{sha256} {self._options.max_pixels}"
        facts = self._used.get(key) or self._known.get(key)
        if facts is None:
            facts = {"key": key} | _look(content, self._options.max_pixels)
            if facts["reason"] == _TRANSIENT:
                return facts
            self._remember(facts)
        self._used[key] = facts
        return facts

    def _remember(self, facts: Row) -> None:
        self._fresh.append(facts)
        if len(self._fresh) >= _PHOTOS_A_RECORD:
            self._records.add(self._fresh)
            self._fresh = []


def _look(content: bytes, max_pixels: int) -> Row:
    try:
        photo = decode_photo(content, max_pixels)
    except PhotoError as error:
        return {"status": "rejected", "reason": error.reason}
    height, width = photo.shape[:2]
    return {
        "status": "ok",
        "reason": "",
        "width": width,
        "height": height,
        "perceptual_hash": perceptual_hash(photo),
    }


def _size_bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
