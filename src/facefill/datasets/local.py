"""Base class of datasets at a local path."""

from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset

In = TypeVar("In")
Out = TypeVar("Out")


class LocalDataset(AbstractDataset[In, Out]):
    """A dataset at one path of this machine's file system.

    Args:
        path: Where it is; Kedro resolves it against the project.
        metadata: Kept for other tools; Kedro does not read it.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Store the path; nothing is read or made."""
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
