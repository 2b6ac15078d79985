"""A report as a JSON file."""

import json
from typing import TYPE_CHECKING, Any

from facefill.datasets.local import LocalDataset
from facefill.errors import DataError
from facefill.runtime.files import write_json

if TYPE_CHECKING:
    from kedro_datasets._typing import JSONPreview

MAX_PREVIEWED = 2000
"""Characters of a value that a preview shows at most."""


class ReportDataset(LocalDataset[dict[str, Any], dict[str, Any]]):
    """A dictionary as JSON, sorted and indented; NaN is refused.

    Args:
        path: Its file.
        optional: Whether it is empty where there is no file, instead of an error.
        metadata: Kept for other tools; Kedro does not read it.
    """

    def __init__(
        self,
        *,
        path: str,
        optional: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Store the path; nothing is read or made."""
        super().__init__(path=path, metadata=metadata)
        self._optional = optional

    def load(self) -> dict[str, Any]:
        """Read the report.

        Raises:
            DataError: If it is damaged, or absent and not optional.
        """
        if self._optional and not self._exists():
            return {}
        try:
            return dict(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DataError(f"no report can be read from {self._path}: {error}") from (
                error
            )

    def preview(self) -> "JSONPreview":
        """Text of the report without its long lists, for Kedro-Viz."""
        report = {
            name: value
            for name, value in self.load().items()
            if len(json.dumps(value)) <= MAX_PREVIEWED
        }
        preview: JSONPreview = json.dumps(report, indent=2)
        return preview

    def save(self, data: dict[str, Any]) -> None:
        """Replace the report."""
        write_json(self._path, data)
