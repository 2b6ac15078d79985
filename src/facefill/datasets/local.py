"""Base classes of datasets at a path of this machine."""

import re
from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset

from facefill.errors import DataError
from facefill.runtime.files import remove_litter_of

# One letter is a drive of Windows.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)

In = TypeVar("In")
Out = TypeVar("Out")


class LocalDataset(AbstractDataset[In, Out]):
    """A folder of this machine's file system.

    Args:
        path: Where it is; Kedro resolves it against the project.
        metadata: Kept for other tools; Kedro does not read it.
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Store the path; nothing is read or made.

        Raises:
            DataError: If it is the address of another place.
        """
        require_local(path, type(self).__name__)
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


class LocalFileDataset(LocalDataset[In, Out]):
    """A file of this machine's file system.

    Args:
        filepath: Where it is; Kedro resolves it against the project.
        metadata: Kept for other tools; Kedro does not read it.
    """

    def __init__(
        self, *, filepath: str, metadata: dict[str, Any] | None = None
    ) -> None:
        """Store the path; nothing is read or made.

        Raises:
            DataError: If it is the address of another place.
        """
        super().__init__(path=filepath, metadata=metadata)

    def remove_litter(self) -> None:
        """Delete what killed runs have left half written of the file."""
        remove_litter_of(self._path)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}


def require_local(path: str, what: str) -> None:
    """Refuse the address of another place.

    Args:
        path: As it stands in the catalog.
        what: Has to be on this machine.

    Raises:
        DataError: If it is one.
    """
    if _ADDRESS.search(path):
        raise DataError(
            f"{path} is not on this machine, where a {what} is; name a folder of this "
            "machine in catalog.yml, or mount the other place"
        )
