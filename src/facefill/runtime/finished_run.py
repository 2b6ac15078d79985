"""Record of a finished run, by which the same run again has nothing to do.

Synopsis::

    record = FinishedRun(path, key_of(parameters))
    if record.holds():
        return
    contents = contents_of(inputs)
    ...  # the run
    record.write(contents, outputs)

Inputs are compared by what is in them. Outputs, which only runs write, are compared by
size and time, so that a finished run is known without reading its results.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from facefill.runtime.files import file_sha256, write_json


class FinishedRun:
    """A run that has finished, in a JSON file, under the key of what it was set to."""

    def __init__(self, path: Path, key: str) -> None:
        """Name the file, which need not exist, and the key, from ``key_of``."""
        self._path = path
        self._key = key

    def holds(self) -> bool:
        """Whether such a run has finished, and no input or output is another since."""
        try:
            record = json.loads(self._path.read_text(encoding="utf-8"))
            return bool(
                record["key"] == self._key
                and record["outputs"] == _states(record["outputs"])
                and record["inputs"] == contents_of(record["inputs"])
            )
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def write(
        self, inputs: dict[str, dict[str, str]], outputs: Iterable[str | Path]
    ) -> None:
        """Record a run that has just finished.

        Args:
            inputs: ``contents_of`` its inputs, taken before it began.
            outputs: Files and folders that it has written.
        """
        record = {"key": self._key, "inputs": inputs, "outputs": _states(outputs)}
        write_json(self._path, record)


def contents_of(paths: Iterable[str | Path]) -> dict[str, dict[str, str]]:
    """Hash every file of some files and folders, which need not exist.

    Returns:
        For each path the SHA-256 of each file by its own path.
    """
    return {
        str(path): {str(file): file_sha256(file) for file in _files(Path(path))}
        for path in paths
    }


def _states(paths: Iterable[str | Path]) -> dict[str, Any]:
    return {
        str(path): {
            str(file): [(state := file.stat()).st_size, state.st_mtime_ns]
            for file in _files(Path(path))
        }
        for path in paths
    }


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from sorted(each for each in path.rglob("*") if each.is_file())
