"""A folder that stages fill file by file; the catalog gives its path."""

from pathlib import Path
from typing import Never

from kedro.io import DatasetError

from facefill.datasets.local import LocalDataset


class FolderDataset(LocalDataset[Path, Path]):
    """A folder, which may not exist yet; loading it gives its path."""

    def load(self) -> Path:
        """Give the path; the folder is neither made nor looked at."""
        return self._path

    def save(self, data: Path) -> Never:
        """Refuse: what is in the folder is written piece by piece.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"{self._path} is filled by a stage, not saved at its end")

    def _exists(self) -> bool:
        return self._path.is_dir()
