"""A table as a Parquet file."""

import json
from typing import TYPE_CHECKING

from facefill.datasets.local import LocalDataset
from facefill.errors import DataError
from facefill.runtime.files import replacing

if TYPE_CHECKING:
    import pandas as pd
    from kedro_datasets._typing import TablePreview


class TableDataset(LocalDataset["pd.DataFrame", "pd.DataFrame"]):
    """A pandas table as Parquet, without its index."""

    def load(self) -> "pd.DataFrame":
        """Read the table.

        Raises:
            DataError: If it is absent or damaged.
        """
        import pandas as pd

        if not self._path.is_file():
            raise DataError(f"no table at {self._path}; run the stage that makes it")
        try:
            return pd.read_parquet(self._path)
        except (OSError, ValueError) as error:
            raise DataError(
                f"the table {self._path} is damaged ({error}); delete it and run the "
                "stage that makes it"
            ) from error

    def preview(self, nrows: int = 5) -> "TablePreview":
        """First rows, for Kedro-Viz."""
        rows = self.load().head(nrows).to_json(orient="split", default_handler=str)
        preview: TablePreview = json.loads(rows)
        return preview

    def save(self, data: "pd.DataFrame") -> None:
        """Replace the table."""
        with replacing(self._path) as temporary:
            data.to_parquet(temporary, index=False)
