"""Atomic file writes: a file is the old one or the new one, never half of each.

Synopsis::

    with replacing(path) as temporary:
        temporary.write_bytes(content)

The argument: the content is complete and synced under a name that no reader
looks at before ``os.replace`` moves it over the old one in a single step, and
the folder is synced after, so that a crash at any point leaves the old or the
new file. What a crash can leave besides is a ``.writing-XXXX.tmp``, which
``remove_litter`` deletes and no walk of ours reads.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEMPORARY_SUFFIX = ".tmp"


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
    # Not derived from the target's name, which may be as long as names can be.
    descriptor, name = tempfile.mkstemp(
        dir=path.parent, prefix=".writing-", suffix=TEMPORARY_SUFFIX + suffix
    )
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
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if synced:
        _sync(path.parent)


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
