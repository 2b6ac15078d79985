"""A tracking server of MLflow on this machine, which can be killed and frozen."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager


class MlflowServer:
    """The server, with its store and its artifacts in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.store = folder / "server.db"
        self.artifacts = folder / "artifacts"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        """Start it, at the same address every time, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port)]
        options = ["--backend-store-uri", f"sqlite:///{self.store}", "--workers", "1"]
        self.process = subprocess.Popen(
            [*command, *options, "--artifacts-destination", str(self.artifacts)],
            cwd=self.folder,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/health", timeout=5).close()
            except OSError:
                time.sleep(0.5)
            else:
                return
        raise TimeoutError(self.address)

    def send(self, number):
        """Send a signal to it and its workers."""
        os.killpg(self.process.pid, number)

    def kill(self):
        """Kill it outright, if it runs."""
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextmanager
def serving(folder):
    """Start a server for a while.

    Yields:
        Its process, which leads a group, and its address.
    """
    server = MlflowServer(folder)
    server.start()
    try:
        yield server.process, server.address
    finally:
        server.kill()
