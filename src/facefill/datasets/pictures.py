"""Folder of pictures, by name."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from facefill.datasets.local import LocalDataset
from facefill.datasets.previews import contact_sheet, preview_of
from facefill.errors import DataError
from facefill.runtime.files import write_bytes

if TYPE_CHECKING:
    import numpy as np
    from kedro_datasets._typing import ImagePreview
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8] | bytes


class PictureFolderDataset(LocalDataset["dict[str, Picture]", dict[str, Path]]):
    """Pictures below a folder, by relative name; others that are there stay."""

    def load(self) -> dict[str, Path]:
        """List the path of every file below the folder by name, without hidden ones."""
        paths = sorted(path for path in self._path.rglob("*") if path.is_file())
        named = {path.relative_to(self._path).as_posix(): path for path in paths}
        return {
            name: path
            for name, path in named.items()
            if not any(part.startswith(".") for part in PurePosixPath(name).parts)
        }

    def save(self, data: "dict[str, Picture]") -> None:
        """Write each picture atomically.

        Args:
            data: uint8 arrays, (height, width, 3) RGB or (height, width) grey, which
                become PNG files, or the bytes of a file, such as a GIF.

        Raises:
            DataError: If a name leaves the folder; nothing is written then.
        """
        from facefill.imaging.pictures import encode_png

        for name in data:
            parts = PurePosixPath(name).parts
            if not parts or ".." in parts or PurePosixPath(name).is_absolute():
                raise DataError(f"'{name}' is no name of a picture in {self._path}")
        for name, picture in data.items():
            content = picture if isinstance(picture, bytes) else encode_png(picture)
            write_bytes(self._path / name, content)

    def preview(self, name: str = "") -> "ImagePreview":
        """One of the pictures, or a contact sheet of them, for Kedro-Viz.

        Args:
            name: Of the picture, PNG; empty for all of them.
        """
        from facefill.imaging.pictures import read_png

        if name:
            return preview_of(read_png(self._path / name))
        return contact_sheet(self.load().values())

    def _exists(self) -> bool:
        return bool(self.load())
