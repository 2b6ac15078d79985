"""A report as a JSON file."""

import json
from typing import TYPE_CHECKING, Any, ClassVar

from kedro.io.core import get_filepath_str
from kedro_datasets.json import JSONDataset

from facefill.datasets.whole_files import WholeFile

if TYPE_CHECKING:
    from kedro_datasets._typing import JSONPreview

MAX_PREVIEWED = 2000
"""Characters of a value that a preview shows at most."""


class ReportDataset(WholeFile, JSONDataset):
    """A dictionary as JSON, sorted and indented: ``json.JSONDataset``, atomic.

    NaN is refused. Arguments are those of the stock dataset.
    """

    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {
        "indent": 2,
        "sort_keys": True,
        "allow_nan": False,
    }

    def load(self) -> dict[str, Any]:
        """Read the report.

        Raises:
            DataError: If it is absent or damaged.
            StorageError: If the place that it is in cannot be reached.
        """
        return dict(self._loaded("report", super().load))

    def save(self, data: dict[str, Any]) -> None:
        """Replace the report; it ends with a new line, as text files do."""
        path = get_filepath_str(self._get_save_path(), self._protocol)
        text = json.dumps(data, **self._save_args) + "\n"
        with self._fs.open(path, **self._fs_open_args_save) as stream:
            stream.write(text)
        self._invalidate_cache()

    def preview(self) -> "JSONPreview":
        """Text of the report without its long lists, for Kedro-Viz."""
        report = {
            name: value
            for name, value in self.load().items()
            if len(json.dumps(value)) <= MAX_PREVIEWED
        }
        preview: JSONPreview = json.dumps(report, indent=2)
        return preview


class OptionalReportDataset(ReportDataset):
    """A report that is empty where there is none, instead of an error."""

    def load(self) -> dict[str, Any]:
        """Read the report; see ``ReportDataset``."""
        return super().load() if self._is_there() else {}
