"""What a run leaves in MLflow, and that it says how the run ended."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from facefill.runtime.locks import exclusive
from places import ABSENT, REASON, in_store, object_store
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
    lines = (
        r"\[1/1\] draw",
        r"the run in MLflow: `kedro mlflow ui`, then http://127\.0\.0\.1:5000/#/"
        r"experiments/1/runs/[0-9a-f]{32}\?workflowType=machine_learning",
        r"Finished in \d+ s",
    )
    expected = "".join(rf"{time_of_day} INFO {line}\n" for line in lines)

    assert re.fullmatch(expected, runs.last.stdout)
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
        ("seed", None),  # of no node of this pipeline
        ("train.preset", None),
        ("complete", None),  # no block as one text
        ("params:complete", None),
    ],
)
def test_parameters_of_the_pipeline_are_logged_flat(runs, key, expected):
    assert value(runs, "params", key, 0) == expected


def test_all_resolved_parameters_are_in_a_file(runs):
    ((first,),) = runs.query("SELECT run_uuid FROM runs ORDER BY start_time LIMIT 1")
    path = runs.root / "mlartifacts" / first / "artifacts/parameters.yml"
    parameters = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert parameters["lam"] == 0.25
    assert parameters["train"]["generator_updates"] == 1
    assert parameters["evaluate"]["count"] == 32


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("kedro_command", "run --params=lam:0.25,complete.iterations=7"),
        ("runner", "SequentialRunner"),
        ("mlflow.runName", "everything: "),
        ("mlflow.note.content", "run --params=lam:0.25"),
    ],
)
def test_tags_tell_what_was_typed(runs, key, expected):
    assert expected in value(runs, "tags", key, 0)
    assert not runs.query("SELECT 1 FROM tags WHERE value LIKE '%object at 0x%'")


@pytest.mark.skipif(bool(ABSENT), reason=REASON)
def test_what_is_saved_in_an_object_store_is_an_artifact_too(tmp_path):
    project = Miniature(tmp_path / "project")
    with object_store() as address:
        place = in_store(address)
        entry = {
            "type": "facefill.datasets.ReportDataset",
            "filepath": place.url("report.json"),
            "versioned": True,
            "credentials": "store",
            "metadata": {"mlflow": "reports"},
        }
        for name, content in (
            ("catalog", {"report": entry}),
            ("credentials", {"store": place.credentials}),
        ):
            (project.root / "conf/local").mkdir(exist_ok=True)
            path = project.root / "conf/local" / f"{name}.yml"
            path.write_text(yaml.safe_dump(content))
        finished = project.kedro("run", "--params=lam:0.5")
        assert finished.returncode == 0, finished.stderr
        (name,) = place.names()
        assert re.fullmatch(r"report\.json/[^/]+Z/report\.json", name)
        content = place.content(name)

    assert json.loads(content)["value"] == 0.5
    ((run,),) = project.query("SELECT run_uuid FROM runs")
    artifacts = project.root / "mlartifacts" / run / "artifacts"
    assert (artifacts / "reports/report.json").read_bytes() == content
    written = [path for path in project.root.rglob("*") if path.is_file()]
    named = [path.name for path in written if b"no secret" in path.read_bytes()]
    assert named == ["credentials.yml"]


def test_there_is_no_empty_experiment(runs):
    sql = "SELECT name FROM experiments WHERE lifecycle_stage = 'active'"

    assert runs.query(sql) == [("facefill",)]


def test_the_page_opens_on_the_runs_and_a_taken_port_is_an_error(runs):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = runs.kedro("mlflow", "ui", f"--port={port}")
    assert refused.returncode == 1
    assert re.search(rf"^Error: port {port} .*--port$", refused.stderr, re.MULTILINE)
    command = [sys.executable, "-m", "kedro", "mlflow", "ui", f"--port={port}"]
    server = subprocess.Popen(
        command,
        cwd=runs.root,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        lines = iter(server.stdout.readline, "")
        said = next((line for line in lines if line.startswith("The runs")), "")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()
    assert f"http://127.0.0.1:{port}/#/experiments/1/runs?workflowType" in said


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

    assert names == {(), ("images",), ("reports",)}
    assert "/mlartifacts/" in first[0][0]


def test_nothing_is_written_into_the_folder_where_the_command_is_typed(runs):
    assert list((runs.root / "elsewhere").iterdir()) == []


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
