"""A folder that a node fills file by file."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.io import DatasetError

from facefill.datasets.local import LocalDataset
from facefill.datasets.previews import contact_sheet

if TYPE_CHECKING:
    from kedro_datasets._typing import ImagePreview


class FolderDataset(LocalDataset[Path, Path]):
    """A folder whose files are written by the node that has it as an output.

    Loading it returns its path, whether it exists or not. The node that fills it takes
    the path as ``params:<entry>.folder`` (see ``facefill.hooks.folders``), writes each
    file at once, so that a killed run loses nothing, and returns the path.
    """

    def load(self) -> Path:
        """Return the path; the folder is neither made nor read."""
        return self._path

    def save(self, data: Path) -> None:
        """Confirm that the folder is filled, and make it if nothing was written.

        Args:
            data: Path of the folder, as ``load`` returns it.

        Raises:
            DatasetError: If the path is that of another folder.
        """
        if Path(data) != self._path:
            raise DatasetError(f"{data} was filled, which should be {self._path}")
        self._path.mkdir(parents=True, exist_ok=True)

    def preview(self) -> "ImagePreview":
        """Contact sheet of the first pictures, for Kedro-Viz."""
        from facefill.imaging.photos import read_content

        paths = (path for path in self._path.rglob("*") if path.is_file())
        return contact_sheet(partial(read_content, path) for path in paths)

    def _exists(self) -> bool:
        return self._path.is_dir()
