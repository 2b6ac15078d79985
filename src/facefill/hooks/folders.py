"""Paths of output folders, as parameters of the nodes that fill them."""

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog

from facefill.datasets import FolderDataset


class FolderHooks:
    """Adds the parameter ``params:<entry>.folder`` for each folder in the catalog.

    A node that fills a folder piece by piece has the folder as an output, but must
    know where it is before, and read what an interrupted run has left in it. It takes
    the path as this parameter and returns it in the end.
    """

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Add the path of each ``FolderDataset``."""
        folders = {
            name: dataset.path
            for name, dataset in catalog.items()
            if isinstance(dataset, FolderDataset)
        }
        for name, path in folders.items():
            catalog[f"params:{name}.folder"] = path
