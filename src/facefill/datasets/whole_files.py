"""Files that are written whole or not at all, for datasets of kedro-datasets.

Synopsis::

    class TableDataset(WholeFile, ParquetDataset):
        DEFAULT_SAVE_ARGS = {"index": False}

The dataset stays the stock one: its addresses, credentials, versions and arguments.
What it writes into is ours.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from kedro.io import DatasetError
from kedro.io.core import VersionNotFoundError, get_filepath_str

from facefill.errors import DataError, StorageError, find_cause
from facefill.runtime.files import remove_litter_of, replacing

Data = TypeVar("Data")

_OF_TEXT = ("encoding", "errors", "newline")


class WholeFiles:
    """A file system of fsspec through which a file appears whole or not at all.

    On this machine as ``facefill.runtime.files.replacing`` says. Elsewhere all of the
    content is there before the file is opened, so that what cannot be encoded leaves
    the old file, and the rest is the store's: object stores show what is uploaded once
    all of it is.
    """

    def __init__(self, inner: AbstractFileSystem) -> None:
        """Take the file system that reads and writes."""
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        """Do all else as the file system does."""
        if name == "_inner" or name.startswith("__"):  # not there yet: a copy is made
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property
    def is_local(self) -> bool:
        """Whether the files are this machine's."""
        return isinstance(self._inner, LocalFileSystem)

    def address(self, path: str) -> str:
        """Path as people write it: with the protocol if it is elsewhere."""
        return path if self.is_local else str(self._inner.unstrip_protocol(path))

    def open(
        self, path: str, mode: str = "rb", **options: Any
    ) -> AbstractContextManager[Any]:
        """Open a file, to be used in a ``with`` statement.

        Args:
            path: Without protocol.
            mode: A file that is written replaces the old one when the block ends well.
            options: Of the file system.
        """
        if "w" not in mode:
            stream: AbstractContextManager[Any] = self._inner.open(
                path, mode, **options
            )
            return stream
        replaced = self._replaced_here if self.is_local else self._replaced_elsewhere
        return replaced(path, mode, options)

    @contextmanager
    def _replaced_here(
        self, path: str, mode: str, options: dict[str, Any]
    ) -> Iterator[Any]:
        target = Path(path)
        with (
            replacing(target, target.suffix) as temporary,
            self._inner.open(str(temporary), mode, **options) as stream,
        ):
            yield stream

    @contextmanager
    def _replaced_elsewhere(
        self, path: str, mode: str, options: dict[str, Any]
    ) -> Iterator[Any]:
        content = io.BytesIO()
        if "b" in mode:
            yield content
        else:
            mode = mode.replace("t", "") + "b"
            text = {name: options.pop(name) for name in _OF_TEXT if name in options}
            stream = io.TextIOWrapper(content, **text)
            yield stream
            stream.flush()
        try:
            with self._inner.open(path, mode, **options) as stream:
                stream.write(content.getvalue())
        except Exception as error:  # each store has errors of its own
            raise StorageError(
                f"{self.address(path)} cannot be written ({_reason(error)}); look at "
                "its address and credentials in catalog.yml"
            ) from error


class WholeFile:
    """A dataset of one file, written whole or not at all, with errors of one line.

    To be named before the class of kedro-datasets whose dataset it is.
    """

    _filepath: PurePosixPath
    _protocol: str
    _get_load_path: Callable[[], PurePosixPath]

    @property
    def _fs(self) -> WholeFiles:
        return self._whole_files

    @_fs.setter
    def _fs(self, file_system: AbstractFileSystem) -> None:
        self._whole_files = WholeFiles(file_system)

    # Kedro notes the arguments of each constructor that it goes through. A class that
    # has none of its own comes last, and without names, which
    # ``DataCatalog.to_config`` needs: the stock one's stay.
    @property
    def _init_args(self) -> dict[str, Any]:
        return self._arguments

    @_init_args.setter
    def _init_args(self, arguments: dict[str, Any]) -> None:
        if "kwargs" not in arguments:
            self._arguments = arguments

    @property
    def address(self) -> str:
        """Path or URL of the file, or of the folder of its versions."""
        return self._fs.address(get_filepath_str(self._filepath, self._protocol))

    def remove_litter(self) -> None:
        """Delete what killed runs have left half written of a file of this machine."""
        if self._fs.is_local:
            remove_litter_of(Path(get_filepath_str(self._filepath, self._protocol)))

    def _is_there(self) -> bool:
        """Whether there is a file, or a version of it.

        Raises:
            StorageError: If that cannot be found out.
        """
        try:
            path = get_filepath_str(self._get_load_path(), self._protocol)
            return bool(self._fs.exists(path))
        except Exception as error:  # each store has errors of its own
            if isinstance(error, VersionNotFoundError) and error.__cause__ is None:
                return False
            raise StorageError(
                f"{self.address} cannot be read ({_reason(error)}); look at its "
                "address and credentials in catalog.yml"
            ) from error

    def _loaded(self, what: str, load: Callable[[], Data]) -> Data:
        """Load, with errors that say what and where.

        Args:
            what: The file is, such as ``table``.
            load: The stock dataset's.

        Raises:
            DataError: If it is absent or damaged.
            StorageError: If the place that it is in cannot be reached.
        """
        if not self._is_there():
            raise DataError(f"no {what} at {self.address}; run the stage that makes it")
        try:
            return load()
        except DatasetError as error:
            cause = find_cause(error, (OSError, ValueError))
            if cause is None:
                raise
            raise DataError(
                f"the {what} {self.address} is damaged ({cause}); delete it and run "
                "the stage that makes it"
            ) from error


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
