"""A run has its stages for itself, and finds nothing half written of their files."""

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from facefill.datasets import FaceStatisticsDataset, ReportDataset, TableDataset
from facefill.errors import BusyError
from facefill.hooks.locks import LockHooks
from facefill.runtime.files import replacing


def run_of(*outputs):
    nodes = [node(lambda: None, None, name, name=f"make_{name}") for name in outputs]
    return Pipeline(nodes)


def left_of(path):
    """What a run that was killed while it saved a file leaves."""
    with replacing(path) as unfinished:
        left = unfinished.with_name(unfinished.name + path.suffix)
        left.write_bytes(b"half")
    path.unlink()
    return left


@pytest.fixture
def catalog(tmp_path):
    table, report = tmp_path / "table.parquet", tmp_path / "report.json"
    return DataCatalog(
        {
            "table": TableDataset(filepath=str(table)),
            "report": ReportDataset(filepath=str(report)),
            "statistics": FaceStatisticsDataset(filepath=str(tmp_path / "faces.npz")),
            "elsewhere": ReportDataset(filepath="memory://report.json"),
        }
    )


def test_what_a_kill_has_left_of_a_runs_files_is_removed_and_no_other(
    tmp_path, catalog, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    ours = [left_of(tmp_path / name) for name in ("table.parquet", "faces.npz")]
    others = left_of(tmp_path / "report.json")
    pipeline = run_of("table", "statistics", "elsewhere", "unknown")
    LockHooks().before_pipeline_run(pipeline, catalog)
    assert not any(path.exists() for path in ours)
    assert others.exists()


def test_nothing_is_removed_while_another_run_is_at_the_stage(
    tmp_path, catalog, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    first, second = LockHooks(), LockHooks()
    first.before_pipeline_run(run_of("table"), catalog)
    being_written = left_of(tmp_path / "table.parquet")
    with pytest.raises(BusyError):
        second.before_pipeline_run(run_of("table"), catalog)
    assert being_written.exists()
    first.after_pipeline_run()
