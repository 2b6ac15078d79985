"""Result of a stage, kept until what it depends on changes.

Synopsis::

    result = Remembered(folder, key_of(options.model_dump(), seed, ...))
    files = result.load()  # None: make them, then result.save(files)

Stages that work item by item have ``result_cache``; this is for those whose result is
one piece. A few megabytes are kept twice, so that a result whose files were deleted
is written again without the work.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from facefill.runtime.files import write_bytes

_NAME = "result.zip"
_KEY = ".key"
_PACKAGE = Path(__file__).parents[1]


def key_of(*parts: object) -> str:
    """Hash all that a result depends on; 64 hexadecimal digits.

    Facefill's own code is among it, and what networks and statistics come with it:
    another version may give another result.

    Args:
        *parts: What JSON can hold.

    Raises:
        TypeError: If it cannot hold one.
    """
    text = json.dumps([*parts, _package_sha256()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Remembered:
    """The files of one result in a folder, under the key of what they depend on."""

    def __init__(self, folder: Path, key: str) -> None:
        """Name the folder, which need not exist, and the key, from ``key_of``."""
        self._path = folder / _NAME
        self._key = key

    def load(self) -> dict[str, bytes] | None:
        """Read the files by name; None if there are none of this key, or damaged."""
        try:
            with zipfile.ZipFile(self._path) as archive:
                if archive.read(_KEY).decode() != self._key:
                    return None
                names = [name for name in archive.namelist() if name != _KEY]
                return {name: archive.read(name) for name in names}
        except (OSError, KeyError, ValueError, zipfile.BadZipFile):
            return None

    def save(self, files: Mapping[str, bytes]) -> None:
        """Keep files by name, in place of those of an earlier result."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            # With a name alone it would ask the clock, which has to be after 1980.
            archive.writestr(zipfile.ZipInfo(_KEY), self._key)
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content)
        write_bytes(self._path, stream.getvalue())


@cache
def _package_sha256() -> str:
    digest = hashlib.sha256()
    # What is packed beside the code has its hashes in a file of JSON.
    for path in sorted([*_PACKAGE.rglob("*.py"), *_PACKAGE.rglob("*.json")]):
        digest.update(path.relative_to(_PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
