"""Pictures: one as a file, and a folder of them by name."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from kedro.io.core import get_filepath_str
from kedro_datasets.partitions import PartitionedDataset
from kedro_datasets.pillow import ImageDataset

from facefill.datasets.previews import contact_sheet, preview_of
from facefill.datasets.whole_files import WholeFile
from facefill.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from kedro_datasets._typing import ImagePreview
    from numpy.typing import NDArray
    from PIL.Image import Image

    Picture = NDArray[np.uint8] | bytes


class PictureDataset(WholeFile, ImageDataset):
    """A picture of Pillow's, as ``pillow.ImageDataset`` has it, atomic.

    It also saves what is no picture of Pillow's yet. Arguments are those of the stock
    dataset.
    """

    def load(self) -> "Image":
        """Read the picture; of several, as in a GIF, the first.

        Raises:
            DataError: If it is absent or damaged.
            StorageError: If the place that it is in cannot be reached.
        """
        picture: Image = self._loaded("picture", super().load)
        return picture

    def content(self) -> bytes:
        """Read the bytes of the file."""
        path = get_filepath_str(self._get_load_path(), self._protocol)
        with self._fs.open(path) as stream:
            return bytes(stream.read())

    def save(self, data: "Picture | Image") -> None:
        """Replace the picture.

        Args:
            data: A uint8 array, (height, width, 3) RGB or (height, width) grey, which
                becomes a PNG file, the bytes of a file, such as a GIF, or a picture of
                Pillow's, which is saved by the ending of the name.
        """
        from PIL.Image import Image

        from facefill.imaging.pictures import encode_png

        target = self._get_save_path()
        path = get_filepath_str(target, self._protocol)
        with self._fs.open(path, **self._fs_open_args_save) as stream:
            if isinstance(data, Image):
                data.save(stream, format=self._get_format(target), **self._save_args)
            else:
                stream.write(data if isinstance(data, bytes) else encode_png(data))
        self._invalidate_cache()


class PictureFolderDataset(PartitionedDataset):
    """Pictures below a folder, by relative name; others that are there stay.

    ``partitions.PartitionedDataset`` of ``PictureDataset``.
    """

    def __init__(
        self,
        *,
        path: str,
        dataset: str | dict[str, Any] = "facefill.datasets.PictureDataset",
        credentials: dict[str, Any] | None = None,
        load_args: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Store the path; nothing is read or made.

        Args:
            path: Of the folder, or its URL.
            dataset: Type of each picture's dataset, or its entry as in a catalog: with
                ``versioned: true`` each picture has versions.
            credentials: Of the place.
            load_args: Of fsspec's ``find``.
            fs_args: Of fsspec's file system.
            metadata: Kept for other tools; Kedro does not read it.
        """
        super().__init__(
            path=path,
            dataset=dataset,
            credentials=credentials,
            load_args=load_args,
            fs_args=fs_args,
            metadata=metadata,
        )

    def picture(self, name: str) -> PictureDataset:
        """Dataset of one of the pictures, whether it exists or not."""
        options = deepcopy(self._dataset_config)
        path = self._partition_to_path(name)
        options[self._filepath_arg] = self._join_protocol(path)
        picture: PictureDataset = self._dataset_type(**options)
        return picture

    def load(self) -> "dict[str, Callable[[], Image]]":
        """What loads each file below the folder, by name, without hidden ones."""
        return {name: partial(self._load_picture, name) for name in self._names()}

    def save(self, data: "dict[str, Picture | Image]") -> None:
        """Write each picture atomically.

        Args:
            data: By name; see ``PictureDataset``.

        Raises:
            DataError: If a name leaves the folder; nothing is written then.
        """
        for name in data:
            parts = PurePosixPath(name).parts
            if not parts or ".." in parts or PurePosixPath(name).is_absolute():
                raise DataError(f"'{name}' is no name of a picture in {self._path}")
        for name, picture in data.items():
            self.picture(name).save(picture)
        self._invalidate_caches()

    def preview(self, name: str = "") -> "ImagePreview":
        """One of the pictures, or a contact sheet of them, for Kedro-Viz.

        Args:
            name: Of the picture, PNG; empty for all of them.
        """
        import numpy as np

        if name:
            picture = self.picture(name).load().convert("RGB")
            return preview_of(np.asarray(picture))
        return contact_sheet(self.picture(each).content for each in self._names())

    def _exists(self) -> bool:
        return bool(self._names())

    def _load_picture(self, name: str) -> "Image":
        return self.picture(name).load()

    def _names(self) -> list[str]:
        self._invalidate_caches()
        names = sorted(set(map(self._path_to_partition, self._list_partitions())))
        return [
            name
            for name in names
            if not any(part.startswith(".") for part in PurePosixPath(name).parts)
        ]
