"""A table as a Parquet file."""

import json
from typing import TYPE_CHECKING, Any, ClassVar

from kedro_datasets.pandas import ParquetDataset

from facefill.datasets.whole_files import WholeFile

if TYPE_CHECKING:
    import pandas as pd
    from kedro_datasets._typing import TablePreview


class TableDataset(WholeFile, ParquetDataset):
    """A pandas table as Parquet, without its index: ``pandas.ParquetDataset``, atomic.

    Arguments are those of the stock dataset.
    """

    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {"index": False}

    def load(self) -> "pd.DataFrame":
        """Read the table.

        Raises:
            DataError: If it is absent or damaged.
            StorageError: If the place that it is in cannot be reached.
        """
        table: pd.DataFrame = self._loaded("table", super().load)
        return table

    def preview(self, nrows: int = 5) -> "TablePreview":
        """First rows, for Kedro-Viz."""
        rows = self.load().head(nrows).to_json(orient="split", default_handler=str)
        preview: TablePreview = json.loads(rows)
        return preview


class OptionalTableDataset(TableDataset):
    """A table that is empty where there is none, instead of an error."""

    def load(self) -> "pd.DataFrame":
        """Read the table; see ``TableDataset``."""
        import pandas as pd

        return super().load() if self._is_there() else pd.DataFrame()
