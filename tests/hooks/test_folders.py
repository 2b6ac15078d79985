"""A node knows the folder that it fills, and goes on with what is in it."""

import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from facefill.datasets import FolderDataset, ReportDataset
from facefill.hooks.folders import FolderHooks


def catalog_in(root):
    catalog = DataCatalog(
        {
            "faces": FolderDataset(path=str(root / "faces")),
            "incomplete.faces": FolderDataset(path=str(root / "incomplete")),
            "report": ReportDataset(filepath=str(root / "report.json")),
        }
    )
    FolderHooks().after_catalog_created(catalog)
    return catalog


def test_folders_alone_are_parameters(tmp_path):
    catalog = catalog_in(tmp_path)
    assert {name for name in catalog.keys() if name.startswith("params:")} == {  # noqa: SIM118  # a catalog is no dictionary
        "params:faces.folder",
        "params:incomplete.faces.folder",
    }
    assert catalog.load("params:faces.folder") == tmp_path / "faces"


def fill(folder):
    """Fill a folder, one file more at each call."""
    folder.mkdir(exist_ok=True)
    (folder / str(len(list(folder.iterdir())))).touch()
    return folder, {"files": len(list(folder.iterdir()))}


FILL = Node(fill, "params:faces.folder", ["faces", "report"], name="fill")


def count(folder):
    return len(list(folder.iterdir()))


def test_a_node_goes_on_with_what_an_earlier_run_has_left(tmp_path):
    reader = Node(count, "faces", "number", name="count")
    for number in (1, 2, 3):
        catalog = catalog_in(tmp_path)
        outputs = SequentialRunner().run(Pipeline([reader, FILL]), catalog)
        assert outputs["number"].load() == number
        assert catalog.load("report") == {"files": number}


def test_nodes_of_a_namespace_fill_its_folders(tmp_path):
    pipeline = Pipeline([FILL], namespace="incomplete", outputs={"report": "report"})
    SequentialRunner().run(pipeline, catalog_in(tmp_path))
    assert (tmp_path / "incomplete/0").exists()
    assert not (tmp_path / "faces").exists()


def test_a_node_that_fills_another_folder_is_a_defect(tmp_path):
    astray = Node(fill, "params:incomplete.faces.folder", ["faces", "report"])
    with pytest.raises(DatasetError, match="which should be"):
        SequentialRunner().run(Pipeline([astray]), catalog_in(tmp_path))


def test_only_missing_outputs_are_made(tmp_path):
    runner, pipeline = SequentialRunner(), Pipeline([FILL])
    for expected in (1, 1):
        runner.run(pipeline, catalog_in(tmp_path), only_missing_outputs=True)
        assert count(tmp_path / "faces") == expected
    (tmp_path / "report.json").unlink()
    runner.run(pipeline, catalog_in(tmp_path), only_missing_outputs=True)
    assert count(tmp_path / "faces") == 2
