"""Kedro datasets that kedro-datasets lacks, with atomic saves.

Nothing heavy is imported before something is loaded or
saved: Kedro makes every entry of the catalog on every run.
"""

from facefill.datasets.face_statistics import FaceStatisticsDataset
from facefill.datasets.faces import FaceArrayDataset
from facefill.datasets.folder import FolderDataset
from facefill.datasets.keras_model import KerasModelDataset
from facefill.datasets.pictures import PictureFolderDataset
from facefill.datasets.report import ReportDataset
from facefill.datasets.table import TableDataset

__all__ = [
    "FaceArrayDataset",
    "FaceStatisticsDataset",
    "FolderDataset",
    "KerasModelDataset",
    "PictureFolderDataset",
    "ReportDataset",
    "TableDataset",
]
