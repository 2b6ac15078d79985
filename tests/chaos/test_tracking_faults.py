"""What befalls MLflow costs no finished work, and no more than ten seconds."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress

import pytest

import disturbing
from projects import Miniature
from tracking_servers import serving

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

# Ten, the pause of the node, and the start and end of a process on a busy machine.
LONGEST_S = 10 + 3 + 7


@pytest.fixture
def project(tmp_path):
    return Miniature(tmp_path / "project")


def name_server(project, address):
    folder = project.root / "conf/local"
    folder.mkdir(exist_ok=True)
    text = f"server: {{mlflow_tracking_uri: '{address}'}}\n"
    (folder / "mlflow.yml").write_text(text)


def one_line(finished):
    assert finished.returncode == 1
    assert "Traceback" not in finished.stdout + finished.stderr
    (line,) = finished.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def disturbed(project, disturb):
    """Run, and do something while the node works; give output, seconds after it."""
    with subprocess.Popen(
        [sys.executable, "-m", "kedro", "run"],
        cwd=project.root,
        env=os.environ | {"MINIATURE_ACT": "pause", "DO_NOT_TRACK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        while run.poll() is None and not (project.root / "here").exists():
            time.sleep(0.02)
        disturb()
        since = time.monotonic()
        said, _ = run.communicate()
    seconds = time.monotonic() - since
    assert run.returncode == 0, said
    assert "Traceback" not in said
    assert (project.root / "data/report.json").is_file()
    return said, seconds


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_dies_or_freezes_in_mid_run_costs_no_result(
    project, tmp_path, sent
):
    with serving(tmp_path) as (server, address):
        name_server(project, address)
        said, seconds = disturbed(project, lambda: os.killpg(server.pid, sent))
    assert said.count("WARNING") == 1
    assert f"WARNING the tracking server {address} does not answer" in said
    assert seconds < LONGEST_S


def test_a_server_out_of_reach_is_one_line_before_any_work(project):
    name_server(project, "http://127.0.0.1:9")
    line = one_line(project.kedro("run"))
    assert "http://127.0.0.1:9" in line
    assert "conf/local/mlflow.yml" in line
    assert not (project.root / "data/report.json").exists()


@contextmanager
def holding(path, how, seconds):
    """Let another process hold MLflow's file."""
    script = (
        "import sqlite3, sys, time;"
        "store = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "store.execute('BEGIN ' + sys.argv[2]); print(flush=True);"
        "time.sleep(float(sys.argv[3]))"
    )
    command = [sys.executable, "-c", script, str(path), how, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        try:
            yield
        finally:
            other.kill()


@pytest.mark.parametrize("how", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_file_that_is_held_for_ever_is_one_line(project, how):
    assert project.kedro("run").returncode == 0
    with holding(project.root / "mlflow.db", how, 100):
        finished = project.kedro("run")
    assert "another process holds" in one_line(finished)
    assert "waiting for" in finished.stdout


def test_a_file_that_is_held_for_a_while_is_waited_for(project):
    assert project.kedro("run").returncode == 0
    held = holding(project.root / "mlflow.db", "IMMEDIATE", 100)
    held.__enter__()
    with subprocess.Popen(
        [sys.executable, "-m", "kedro", "run"],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        said = ""
        for line in run.stdout:
            said += line
            if "waiting for" in line:
                held.__exit__(None, None, None)
    assert "waiting for" in said
    assert run.returncode == 0, said
    assert project.statuses()[-1] == "FINISHED"


def test_a_disk_that_is_full_when_the_file_is_made_is_one_line(project):
    small = project.root / "small"
    with disturbing.small_disk(small, 64) as make_room:
        (project.root / "mlflow.db").symlink_to(small / "mlflow.db")
        line = one_line(project.kedro("run"))
        assert str(small / "mlflow.db") in line
        assert "make room" in line
        assert list(small.iterdir()) == []
        make_room()
        again = project.kedro("run")
        assert again.returncode == 0, again.stderr
        assert project.statuses() == ["FINISHED"]


def test_a_disk_that_fills_up_in_mid_run_costs_no_result(project):
    small = project.root / "small"
    with disturbing.small_disk(small, 20_000):
        (project.root / "mlflow.db").symlink_to(small / "mlflow.db")
        (small / "mlflow.db").touch()

        def fill():
            with suppress(OSError), (small / "junk").open("wb", 0) as stream:
                while True:
                    stream.write(bytes(4096))

        said, seconds = disturbed(project, fill)
    assert "full" in said
    assert seconds < LONGEST_S


def test_a_file_that_is_held_in_mid_run_costs_no_result(project):
    assert project.kedro("run").returncode == 0
    (project.root / "data/report.json").unlink()
    (project.root / "here").unlink(missing_ok=True)
    held = holding(project.root / "mlflow.db", "EXCLUSIVE", 100)
    try:
        said, seconds = disturbed(project, held.__enter__)
    finally:
        held.__exit__(None, None, None)
    assert "another process holds it" in said
    assert seconds < LONGEST_S


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: whole[: len(whole) // 2], "move it away"),
        (lambda whole: b"no database" * 1000, "move it away"),
        (lambda whole: whole[:8192] + b"\0" * (len(whole) - 8192), "move it away"),
    ],
    ids=["cut in half", "garbage", "zeroes"],
)
def test_a_damaged_file_is_one_line_with_the_cure(project, damage, said):
    assert project.kedro("run").returncode == 0
    path = project.root / "mlflow.db"
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA wal_checkpoint")
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    line = one_line(project.kedro("run"))
    assert str(path) in line
    assert said in line
    assert path.read_bytes() == damaged
