"""Atomic file writes: a file is the old one or the new one, never half of each.

Synopsis::

    with replacing(path) as temporary:
        temporary.write_bytes(content)

The argument: the content is complete and synced under a name that no reader
looks at before ``os.replace`` moves it over the old one in a single step, and
the folder is synced after, so that a crash at any point leaves the old or the
new file. What a crash can leave besides is a ``.writing-<target>-XXXX.tmp``, which
``remove_litter`` deletes, or ``remove_litter_of`` where others may be writing in the
same folder, and no walk of ours reads.
"""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facefill.errors import StorageError, find_cause

TEMPORARY_SUFFIX = ".tmp"

OF_STORAGE = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "EIO"),
        *("EMFILE", "ENFILE", "ENAMETOOLONG", "ENOTDIR", "EISDIR", "ESTALE"),
    )
    if hasattr(errno, name)
)
"""Numbers of system errors that whoever owns the disk cures: no room, no permission."""

_CURES = {
    **dict.fromkeys((errno.ENOSPC, errno.EFBIG), "make room"),
    errno.EDQUOT: "make room",
    errno.EROFS: "let it be written to",
    errno.EIO: "look after the disk",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENAMETOOLONG: "shorten the name",
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR), "move it away"),
}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path, suffix: str = "", *, synced: bool = True) -> Iterator[Path]:
    """Open a temporary path whose content replaces ``path`` if all goes well.

    Args:
        path: The file to create or replace; its folder is made if absent.
        suffix: Ending of the temporary name, for writers that choose their
            format by it (``.keras``).
        synced: Whether the content survives a failure of the machine's power. It
            takes milliseconds, and whoever checks a file's hash before it trusts
            it can do without.

    Yields:
        An empty file in the same folder. If the block raises, it is deleted
        and ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=_prefix(path), suffix=TEMPORARY_SUFFIX + suffix
        )
    except OSError as error:
        error.filename = str(path)
        raise
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only their owner can read; a result is a
        # normal file, under the user's umask.
        temporary.chmod(0o666 & ~_umask())
        if synced:
            _sync(temporary)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        _name_file(error, temporary, path)
        raise
    if synced:
        _sync(path.parent)


def _prefix(path: Path) -> str:
    """Begin the name of a temporary file by a hash of the target's.

    That may be as long as names can be.
    """
    return f".writing-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}-"


def _name_file(error: BaseException, temporary: Path, path: Path) -> None:
    """Let an error that names no file, or the temporary one, name the target."""
    if not isinstance(error, OSError) or error.errno not in OF_STORAGE:
        return
    if error.filename in (None, str(temporary)):
        error.filename, error.filename2 = str(path), None


def storage_error(error: BaseException) -> StorageError | None:
    """Say what the owner of the disk can cure, if an error was raised from such."""
    cause = find_cause(error, OSError)
    number = (cause.errno if isinstance(cause, OSError) else None) or 0
    if not isinstance(cause, OSError) or number not in OF_STORAGE:
        return None
    cure = _CURES.get(number, "give the permission to read and write there")
    where = cause.filename or "a file of this run"
    return StorageError(
        f"{os.fsdecode(where)}: {os.strerror(number)}; {cure}, and give the same "
        "command again: what was finished is kept"
    )


def reserve(descriptor: int, num_bytes: int) -> None:
    """Take the space of a file that will be written to by a mapping of memory.

    On a full disk that kills the process (SIGBUS), where there is nothing to catch.

    Raises:
        OSError: If there is no room.
    """
    if num_bytes and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, num_bytes)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def write_bytes(path: Path, content: bytes, *, synced: bool = True) -> None:
    """Write a file atomically; see ``replacing``."""
    with replacing(path, synced=synced) as temporary:
        temporary.write_bytes(content)


def link_or_copy(source: Path, path: Path) -> None:
    """Link a file that is never written into under a second name in its folder.

    A copy where the file system has no links. Either way the name appears whole.
    """
    if path.exists():
        return
    try:
        os.link(source, path)
    except OSError:
        write_bytes(path, source.read_bytes())
    else:
        _sync(path.parent)


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically, sorted and indented, refusing NaN."""
    text = json.dumps(data, indent=2, sort_keys=True, allow_nan=False) + "\n"
    write_bytes(path, text.encode())


def file_sha256(path: Path) -> str:
    """Hash a file's content; 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove_litter(folder: Path) -> None:
    """Delete the temporary files that a killed run left in ``folder`` itself."""
    if folder.is_dir():
        for litter in folder.glob(f".writing-*{TEMPORARY_SUFFIX}*"):
            litter.unlink(missing_ok=True)


def remove_litter_of(path: Path) -> None:
    """Delete the temporary files that killed runs left of one file.

    Nobody may be writing it now; others may be writing other files of its folder.
    """
    if path.parent.is_dir():
        for litter in path.parent.glob(f"{_prefix(path)}*{TEMPORARY_SUFFIX}*"):
            litter.unlink(missing_ok=True)
