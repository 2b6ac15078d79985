"""A report as a JSON file."""

import json
from typing import Any

from facefill.datasets.local import LocalDataset
from facefill.errors import DataError
from facefill.runtime.files import write_json


class ReportDataset(LocalDataset[dict[str, Any], dict[str, Any]]):
    """A dictionary as JSON, sorted and indented; NaN is refused."""

    def load(self) -> dict[str, Any]:
        """Read the report.

        Raises:
            DataError: If it is absent or damaged.
        """
        try:
            return dict(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DataError(f"no report can be read from {self._path}: {error}") from (
                error
            )

    def save(self, data: dict[str, Any]) -> None:
        """Replace the report."""
        write_json(self._path, data)
