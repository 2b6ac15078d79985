"""A tracking server on this machine, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager


@contextmanager
def serving(folder):
    """Start MLflow's server, with its store and artifacts in a folder.

    Yields:
        Its process, which leads a group, and its address.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store, artifacts = folder / "server.db", folder / "artifacts"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port)]
    options = ["--backend-store-uri", f"sqlite:///{store}", "--workers", "1"]
    where = ["--artifacts-destination", str(artifacts)]
    process = subprocess.Popen(
        [*command, *options, *where],
        cwd=folder,
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
        yield process, address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
