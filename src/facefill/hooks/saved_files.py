"""What datasets have saved, as files of this machine wherever it lies."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kedro.io import AbstractVersionedDataset
from kedro.io.core import get_filepath_str

from facefill.datasets import PictureFolderDataset
from facefill.datasets.local import LocalDataset


@contextmanager
def saved_files(dataset: Any, data: object) -> Iterator[dict[str, Path]]:
    """Find the files that a dataset has just saved; those elsewhere are fetched.

    Args:
        dataset: Of facefill or of kedro-datasets.
        data: What was saved. Of a folder of pictures only those in it are found, not
            what earlier runs left there.

    Yields:
        Paths by the names of the files, relative to the folder if it is one; those of
        what was fetched hold within the block. Empty if the dataset has no files.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield dict(_files(dataset, data, Path(folder)))


def _files(dataset: Any, data: object, folder: Path) -> Iterator[tuple[str, Path]]:
    if isinstance(dataset, PictureFolderDataset) and isinstance(data, Mapping):
        for name in data:
            target = (folder / name).parent
            for _, path in _files(dataset.picture(name), data[name], target):
                yield name, path
    elif isinstance(dataset, AbstractVersionedDataset):
        yield from _in_folder(_stored(dataset, folder))
    elif isinstance(dataset, LocalDataset):
        yield from _in_folder(dataset.path)


def _stored(dataset: Any, folder: Path) -> Path:
    """Find the file, or folder, of a dataset in the version that is loaded."""
    protocol = getattr(dataset, "_protocol", "file")
    stored = get_filepath_str(dataset._get_load_path(), protocol)
    if protocol in ("file", "local"):
        return Path(stored)
    path = folder / Path(stored).name
    folder.mkdir(parents=True, exist_ok=True)
    if dataset._fs.isfile(stored):
        dataset._fs.get_file(stored, str(path))
    else:
        dataset._fs.get(stored, str(path), recursive=True)
    return path


def _in_folder(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield path.name, path
        return
    for each in sorted(path.rglob("*")):
        if each.is_file():
            yield each.relative_to(path).as_posix(), each
