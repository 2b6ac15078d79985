"""What the catalog loads and saves, atomically: datasets of kedro-datasets, and ours.

Tables, reports, figures, pages and pictures are those of kedro-datasets, wherever they
lie. Folders that nodes fill, models and arrays that are mapped into memory are files of
this machine.

Nothing heavy is imported before it is asked for: Kedro makes every entry of the catalog
on every run, and whoever imports this package for one class needs no others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facefill.datasets.face_statistics import FaceStatisticsDataset
    from facefill.datasets.faces import FaceArrayDataset
    from facefill.datasets.figure import FigureDataset
    from facefill.datasets.folder import FolderDataset
    from facefill.datasets.keras_model import KerasModelDataset
    from facefill.datasets.page import PageDataset
    from facefill.datasets.pictures import PictureDataset, PictureFolderDataset
    from facefill.datasets.report import OptionalReportDataset, ReportDataset
    from facefill.datasets.table import OptionalTableDataset, TableDataset

__all__ = [
    "FaceArrayDataset",
    "FaceStatisticsDataset",
    "FigureDataset",
    "FolderDataset",
    "KerasModelDataset",
    "OptionalReportDataset",
    "OptionalTableDataset",
    "PageDataset",
    "PictureDataset",
    "PictureFolderDataset",
    "ReportDataset",
    "TableDataset",
]

_MODULES = {
    "FaceArrayDataset": "faces",
    "FaceStatisticsDataset": "face_statistics",
    "FigureDataset": "figure",
    "FolderDataset": "folder",
    "KerasModelDataset": "keras_model",
    "OptionalReportDataset": "report",
    "OptionalTableDataset": "table",
    "PageDataset": "page",
    "PictureDataset": "pictures",
    "PictureFolderDataset": "pictures",
    "ReportDataset": "report",
    "TableDataset": "table",
}


def __getattr__(name: str) -> Any:
    """Import a dataset when it is asked for."""
    if name not in _MODULES:
        raise AttributeError(f"module 'facefill.datasets' has no attribute '{name}'")
    return getattr(import_module(f"facefill.datasets.{_MODULES[name]}"), name)
