"""Runs tracked on a server: its pages have the artifacts, not this machine's disk."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from projects import Miniature

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def server(tmp_path):
    """A tracking server on this machine, with its folder of artifacts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store, artifacts = tmp_path / "server.db", tmp_path / "artifacts"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port)]
    options = ["--backend-store-uri", f"sqlite:///{store}", "--workers", "1"]
    where = ["--artifacts-destination", str(artifacts)]
    process = subprocess.Popen(
        [*command, *options, *where],
        cwd=tmp_path,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and process.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address, artifacts
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_server_gets_the_artifacts_and_its_address_is_the_one_that_is_shown(
    server, tmp_path
):
    address, artifacts = server
    project = Miniature(tmp_path / "project")
    (project.root / "conf/local").mkdir(exist_ok=True)
    (project.root / "conf/local/mlflow.yml").write_text(
        f"server: {{mlflow_tracking_uri: {address}}}\n"
    )
    finished = project.kedro("run")

    assert finished.returncode == 0, finished.stderr
    assert f"the run in MLflow: {address}/#/experiments/1/runs/" in finished.stdout
    assert {path.name for path in artifacts.rglob("report.json")} == {"report.json"}
    assert not (project.root / "mlartifacts").exists()
    assert not (project.root / "mlflow.db").exists()
