"""Base class of datasets at a local path."""

import re
from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset

from facefill.errors import DataError

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://")  # one letter is a drive of Windows

In = TypeVar("In")
Out = TypeVar("Out")


class LocalDataset(AbstractDataset[In, Out]):
    """A dataset at one path of this machine's file system.

    Args:
        path: Where it is; Kedro resolves it against the project.
        metadata: Kept for other tools; Kedro does not read it.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Store the path; nothing is read or made.

        Raises:
            DataError: If it is the address of another place.
        """
        if _ADDRESS.match(path):
            raise DataError(
                f"{path} is not on this machine, where a {type(self).__name__} is; "
                "name a folder of this machine in catalog.yml, or mount the other place"
            )
        self._path = Path(path)
        self.metadata = metadata

    @property
    def path(self) -> Path:
        """Path of the data."""
        return self._path

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}

    def _exists(self) -> bool:
        return self._path.exists()
