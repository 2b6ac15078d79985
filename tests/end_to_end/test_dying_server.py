"""A tracking server that dies while a training goes on: nothing is lost."""

import json
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from projects import Embedded
from tracking_servers import MlflowServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]

TRAIN = (
    "run",
    "--env=test",
    "--pipeline=train",
    "--params=train.max_steps:600,train.sample_every:50,train.checkpoint_every:200,"
    "train.encoder_steps:0,align.detector:cascade",
)
SAMPLED = {0, *range(50, 601, 50)}


@pytest.fixture
def server(tmp_path):
    (tmp_path / "server").mkdir()
    server = MlflowServer(tmp_path / "server")
    yield server
    server.kill()


@pytest.fixture
def project(tmp_path, server):
    project = Embedded(tmp_path / "project", portraits=48)
    (project.root / "conf/test/mlflow.yml").write_text(
        f"server: {{mlflow_tracking_uri: {server.address}}}\n"
        "tracking: {experiment: {name: facefill-test}}\n"
    )
    return project


def start(project):
    words, environment = project.command(*TRAIN)
    data = {"FACEFILL_TEST_DATA": str(project.root / "data/demo")}
    return subprocess.Popen(
        words,
        cwd=project.root,
        env=environment | data,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ask(server, sql):
    with closing(sqlite3.connect(server.store)) as store:
        return store.execute(sql).fetchall()


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGSTOP])
def test_a_training_outlives_its_server_and_is_told_of_afterwards(
    server, project, death
):
    server.start()
    said = []
    with start(project) as training:
        for line in training.stdout:
            said.append(line)
            if re.search(r"training \d+/600 steps", line) and "not answer" not in line:
                server.send(death)
                break
        said += training.stdout.readlines()
    text = "".join(said)

    assert training.returncode == 0, text
    assert text.count("does not answer") == 1
    assert "Traceback" not in text
    assert "trained 600 steps" in text
    outbox = project.root / "data/demo/.unsent"
    (kept,) = outbox.iterdir()
    assert json.loads((kept / "end.json").read_text())["status"] == "FINISHED"

    server.kill()
    server.start()
    with start(project) as again:
        text = again.stdout.read()

    assert again.returncode == 0, text
    assert "MLflow has now what was kept" in text
    assert list(outbox.iterdir()) == []
    runs = ask(server, "SELECT run_uuid, status FROM runs ORDER BY start_time")
    assert [status for _, status in runs] == ["FINISHED", "FINISHED"]
    first = f"run_uuid = '{runs[0][0]}'"
    steps = ask(
        server, f"SELECT step FROM metrics WHERE key = 'train/loss_real' AND {first}"
    )
    report = json.loads(
        (project.root / "data/demo/08_reporting/training.json").read_text()
    )
    assert {step for (step,) in steps} == {int(s) for s in report["history"]["step"]}
    pictures = {
        int(re.search(r"\+step\+(\d+)\+", path.name)[1])
        for path in Path(server.artifacts).rglob("train~samples*.png")
        if runs[0][0] in path.parts
    }
    assert pictures == SAMPLED


def test_a_server_that_is_not_there_is_one_line_before_any_work(project):
    with start(project) as run:
        text = run.stdout.read()

    assert run.returncode == 1
    assert re.fullmatch(
        r"Error: the tracking server http://127\.0\.0\.1:\d+ does not answer; start "
        r"it, or name another one in conf/local/mlflow\.yml\n",
        text,
    )
    assert not (project.root / "data/demo/02_intermediate").exists()
