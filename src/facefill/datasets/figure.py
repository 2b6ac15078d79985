"""A figure of plotly as a JSON file."""

from typing import TYPE_CHECKING

from kedro_datasets.plotly import JSONDataset

from facefill.datasets.whole_files import WholeFile

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class FigureDataset(WholeFile, JSONDataset):
    """A figure of plotly, as ``plotly.JSONDataset`` has it, atomic.

    Arguments are those of the stock dataset, and so is the preview.
    """

    def load(self) -> "Figure":
        """Read the figure.

        Raises:
            DataError: If it is absent or damaged.
            StorageError: If the place that it is in cannot be reached.
        """
        return self._loaded("figure", super().load)
