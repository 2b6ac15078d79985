"""A text, such as a page of HTML, as a file."""

from typing import Any, ClassVar

from kedro_datasets.text import TextDataset

from facefill.datasets.whole_files import WholeFile

# Not what the machine has for its language.
_UTF8 = {"encoding": "utf-8", "newline": "\n"}


class PageDataset(WholeFile, TextDataset):
    """A text in UTF-8: ``text.TextDataset``, atomic.

    Arguments are those of the stock dataset.
    """

    DEFAULT_FS_ARGS: ClassVar[dict[str, Any]] = {
        "open_args_save": {"mode": "w", **_UTF8},
        "open_args_load": {"mode": "r", **_UTF8},
    }

    def load(self) -> str:
        """Read the text.

        Raises:
            DataError: If it is absent or damaged.
            StorageError: If the place that it is in cannot be reached.
        """
        text: str = self._loaded("page", super().load)
        return text
