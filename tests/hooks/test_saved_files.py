"""What a dataset has saved is found; what lies elsewhere: tests/datasets."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import MemoryDataset
from kedro.io.core import Version
from kedro_datasets.pandas import CSVDataset

from facefill.datasets import FolderDataset, PictureFolderDataset, ReportDataset
from facefill.hooks.saved_files import saved_files


def test_of_a_folder_of_pictures_only_those_that_were_saved_are_found(tmp_path):
    dataset = PictureFolderDataset(path=str(tmp_path))
    dataset.save({"left_by_an_earlier_run.png": np.zeros((2, 2, 3), np.uint8)})
    data = {"grid.png": np.zeros((2, 2, 3), np.uint8), "single/0.gif": b"GIF89a"}
    dataset.save(data)

    with saved_files(dataset, data) as files:
        assert files == {
            "grid.png": tmp_path / "grid.png",
            "single/0.gif": tmp_path / "single/0.gif",
        }


@pytest.mark.parametrize("version", [None, Version(None, "2026-01-01T00.00.00.000Z")])
def test_a_file_is_found_in_the_version_that_was_saved(tmp_path, version):
    dataset = ReportDataset(filepath=str(tmp_path / "report.json"), version=version)
    dataset.save({"steps": 20})
    folder = tmp_path / "report.json" / version.save if version else tmp_path

    with saved_files(dataset, {"steps": 20}) as files:
        assert files == {"report.json": folder / "report.json"}
        assert files["report.json"].is_file()


def test_all_of_a_folder_that_a_node_filled_is_found(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.bin").touch()
    dataset = FolderDataset(path=str(tmp_path))

    with saved_files(dataset, tmp_path) as files:
        assert files == {"deep/a.bin": tmp_path / "deep/a.bin"}


def test_a_stock_dataset_is_found_and_what_has_no_file_is_not(tmp_path):
    table = pd.DataFrame({"a": [1]})
    dataset = CSVDataset(filepath=str(tmp_path / "table.csv"))
    dataset.save(table)

    with saved_files(dataset, table) as files:
        assert files == {"table.csv": tmp_path / "table.csv"}
    with saved_files(MemoryDataset(table), table) as files:
        assert files == {}
