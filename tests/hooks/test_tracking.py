"""What a run leaves in MLflow, and that it says how the run ended."""

import json
import logging
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from facefill.runtime import tracking
from facefill.runtime.locks import exclusive
from projects import Miniature

ENDS = {
    "": (0, "FINISHED"),
    "user error": (1, "FAILED"),
    "bug": (1, "FAILED"),
    "SIGTERM": (143, "KILLED"),
    "SIGKILL": (-9, "KILLED"),  # marked by the run after it
}
# Six runs of seconds each, on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COMMAND = ["run", "--params=lam:0.25,complete.iterations=7"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run for every way to end, from a folder within a committed project."""
    project = Miniature(tmp_path_factory.mktemp("hooks") / "a project é")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *words], cwd=project.root, check=True)
    project.finished = {
        act: project.kedro(*COMMAND, cwd="elsewhere", act=act) for act in ENDS
    }
    project.running = project.statuses()
    project.last = project.kedro("run")
    return project


def value(project, table, key, number):
    """Look a tag, parameter or metric of the numbered run up."""
    (row,) = project.query(
        f"SELECT t.value FROM {table} t JOIN runs USING (run_uuid) WHERE key = '{key}' "
        f"AND run_uuid = (SELECT run_uuid FROM runs ORDER BY start_time LIMIT 1 "
        f"OFFSET {number}) LIMIT 1"
    ) or [(None,)]
    return row[0]


def test_every_command_is_one_run_that_tells_how_it_ended(runs):
    expected = [status for _, status in ENDS.values()]

    assert runs.running == [*expected[:-1], "RUNNING"]
    assert runs.statuses() == [*expected, "FINISHED"]


@pytest.mark.parametrize("act", ENDS)
def test_the_exit_code_tells_how_a_run_ended(runs, act):
    assert runs.finished[act].returncode == ENDS[act][0]


def test_a_users_error_is_one_line_and_a_tag(runs):
    error = runs.finished["user error"].stderr

    assert error == "Error: no photos in there; put some in\n"
    tag = value(runs, "tags", "error", list(ENDS).index("user error"))
    assert tag == "DataError: no photos in there; put some in"


def test_a_defect_keeps_its_traceback_and_is_a_tag(runs):
    assert "ZeroDivisionError: a defect" in runs.finished["bug"].stderr
    assert "pipeline_registry.py" in runs.finished["bug"].stderr
    tag = value(runs, "tags", "error", list(ENDS).index("bug"))
    assert tag == "ZeroDivisionError: a defect"


def test_a_run_logs_one_line_a_stage(runs):
    time_of_day = r"\d\d:\d\d:\d\d"
    lines = rf"{time_of_day} INFO \[1/1\] draw\n{time_of_day} INFO Finished in \d+ s\n"

    assert re.fullmatch(lines, runs.last.stdout)
    assert runs.last.stderr == ""


def test_nodes_get_the_parameters_that_were_typed(runs):
    sql = "SELECT run_uuid FROM runs ORDER BY start_time LIMIT 1"
    ((first,),) = runs.query(sql)
    report = runs.root / "mlartifacts" / first / "artifacts/reports/report.json"

    assert json.loads(report.read_text()) == {"value": 0.25, "iterations": 7}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("lam", "0.25"),
        ("complete.iterations", "7"),
        ("complete.learning_rate", "0.05"),
        ("seed", "1"),
        ("train.preset", "default"),
        ("train.generator_updates", "1"),
        ("evaluate.count", "32"),
        ("complete", None),  # no block as one text
        ("params:complete", None),
    ],
)
def test_all_resolved_parameters_are_logged_flat(runs, key, expected):
    assert value(runs, "params", key, 0) == expected


def test_the_commit_is_recorded(runs):
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=runs.root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()

    assert value(runs, "tags", "mlflow.source.git.commit", 0) == commit


def test_curves_and_single_metrics_are_recorded_without_nan(runs):
    rows = runs.query(
        "SELECT key, step, value FROM metrics WHERE run_uuid = "
        "(SELECT run_uuid FROM runs ORDER BY start_time LIMIT 1) "
        "AND key NOT LIKE 'system/%' ORDER BY key, step"
    )

    curve = [("loss", step, 1.0 / (step + 1)) for step in range(3)]
    assert rows == [*curve, ("score", 0, 7.0)]


def test_pictures_and_marked_files_are_artifacts_within_the_project(runs):
    first = runs.query("SELECT artifact_uri FROM runs ORDER BY start_time LIMIT 1")
    names = {
        path.relative_to(runs.root / "mlartifacts").parts[2:-1]
        for path in (runs.root / "mlartifacts").rglob("*.*")
        if path.is_file()
    }

    assert names == {("images",), ("reports",)}
    assert "/mlartifacts/" in first[0][0]


def test_nothing_is_written_into_the_folder_where_the_command_is_typed(runs):
    assert list((runs.root / "elsewhere").iterdir()) == []


class Client:
    """Stands for MLflow's client: slow, or broken."""

    def __init__(self, delay_s=0.0, error=None):
        self.metrics, self.pictures = [], []
        self._delay_s, self._error = delay_s, error

    def log_batch(self, run_id, metrics):
        assert len(metrics) <= 1000
        time.sleep(self._delay_s)
        if self._error:
            raise self._error
        self.metrics += [(run_id, metric.key, metric.step) for metric in metrics]

    def log_image(self, run_id, image, **options):
        if self._error:
            raise self._error
        self.pictures.append((run_id, image.sum(), options["key"], options["step"]))


@pytest.fixture
def client(monkeypatch):
    """Put a client in the place of MLflow's, with an active run."""

    def use(**options):
        made = Client(**options)
        module = type(sys)("mlflow")
        module.MlflowClient = lambda: made
        module.entities = type(sys)("mlflow.entities")
        module.entities.Metric = lambda key, value, timestamp, step: Metric(key, step)
        monkeypatch.setitem(sys.modules, "mlflow", module)
        monkeypatch.setitem(sys.modules, "mlflow.entities", module.entities)
        monkeypatch.setattr(tracking, "active_run_id", lambda: "a-run")
        return made

    return use


class Metric:
    def __init__(self, key, step):
        self.key, self.step = key, step


def test_every_point_of_every_curve_arrives_in_order(client):
    made = client()
    with tracking.Tracker() as tracker:
        for step in range(2500):
            tracker.scalars(step, {"loss": 1.0})

    assert made.metrics == [("a-run", "loss", step) for step in range(2500)]


def test_a_slow_store_does_not_slow_the_work(client):
    made = client(delay_s=0.2)
    with tracking.Tracker() as tracker:
        start = time.perf_counter()
        for step in range(100):
            tracker.scalars(step, {"loss": 1.0})
        elapsed_s = time.perf_counter() - start

    assert elapsed_s < 0.1
    assert len(made.metrics) == 100


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("bad name")])
def test_a_broken_store_is_warned_of_once_and_stops_nothing(client, caplog, error):
    client(error=error)
    with caplog.at_level(logging.WARNING), tracking.Tracker() as tracker:
        for step in range(3):
            tracker.scalars(step, {"loss": 1.0})
            tracker.picture(step, "grid", np.zeros((2, 2, 3), np.uint8))
            time.sleep(0.01)

    assert [record.getMessage() for record in caplog.records] == [
        f"Some metrics or pictures are not in MLflow: {error}"
    ]


def test_a_store_that_hangs_does_not_hold_the_end_up(client, caplog, monkeypatch):
    monkeypatch.setattr(tracking, "CLOSE_TIMEOUT_S", 0.05)
    client(delay_s=0.5)
    start = time.perf_counter()
    with caplog.at_level(logging.WARNING), tracking.Tracker() as tracker:
        tracker.scalars(0, {"loss": 1.0})

    assert time.perf_counter() - start < 0.4
    assert "takes too long" in caplog.text


def test_a_picture_is_the_one_that_was_given_even_if_drawn_on_later(client):
    made = client()
    image = np.ones((2, 2, 3), np.uint8)
    with tracking.Tracker() as tracker:
        tracker.picture(5, "grid", image)
        image[:] = 9

    assert made.pictures == [("a-run", 12, "grid", 5)]


def test_without_an_active_run_nothing_is_started():
    before = threading.active_count()
    with tracking.Tracker() as tracker:
        tracker.scalars(0, {"loss": 1.0})
        tracker.metrics({"psnr": 20.0})
        tracker.picture(0, "grid", np.zeros((2, 2, 3), np.uint8))

        assert threading.active_count() == before


def test_nested_names_are_joined_with_dots():
    nested = {"lam": 0.1, "train": {"flip": True, "deeper": {"a": [1]}}}

    flat = tracking.flatten(nested)

    assert flat == {"lam": 0.1, "train.flip": True, "train.deeper.a": [1]}


def test_only_the_files_that_were_saved_are_artifacts(tmp_path, monkeypatch):
    logged = []
    module = type(sys)("mlflow")
    module.log_artifact = lambda path, folder: logged.append((path, folder))
    monkeypatch.setitem(sys.modules, "mlflow", module)
    for name in ["grid.png", "single/0.png", "left_by_an_earlier_run.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    tracking.log_files("samples", tmp_path, {"grid.png": 0, "single/0.png": 0})

    assert logged == [
        (str(tmp_path / "grid.png"), "samples"),
        (str(tmp_path / "single/0.png"), "samples/single"),
    ]


def test_two_first_runs_at_once_both_finish(tmp_path):
    project = Miniature(tmp_path / "project")
    with ThreadPoolExecutor() as pool:
        finished = list(pool.map(lambda _: project.kedro("run"), range(2)))

    assert [each.returncode for each in finished] == [0, 0]
    assert project.statuses() == ["FINISHED", "FINISHED"]


def test_a_second_run_of_a_stage_ends_in_one_line_and_is_no_run(runs):
    before = len(runs.statuses())
    with exclusive(runs.root / "data/.locks", ["draw"]):
        refused = runs.kedro("run")

    assert refused.returncode == 1
    assert re.fullmatch(
        r"Error: another run \(process \d+, since [\d:]+\) is at draw in \S.*; "
        r"wait for it, or stop it\n",
        refused.stderr,
    )
    assert len(runs.statuses()) == before
