"""``mlflow models serve`` on this machine, and what it answers to a photo."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

ANSWER_S = 600


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def running(words, folder, environment):
    """A server, which is gone afterwards, with all of its children."""
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            yield server
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


@contextmanager
def served_model(uri, store, folder):
    """Address of a registered model, which is served from a folder without facefill.

    Args:
        uri: Of the model, such as ``models:/faces@champion``.
        store: MLflow's tracking URI.
        folder: Working directory: whatever code the model lacks is not found there.
    """
    # MLflow starts uvicorn by its name, as in an environment that is activated.
    scripts = Path(find_spec("mlflow").origin).parents[4] / "bin"
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": store,
        "PATH": f"{scripts}:{os.environ['PATH']}",
    }
    environment.pop("PYTHONPATH", None)
    port = free_port()
    words = [sys.executable, "-m", "mlflow", "models", "serve", "-m", uri]
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    options += ["--timeout", str(ANSWER_S)]
    with running([*words, *options], folder, environment) as server:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/ping", server)
        yield address


def ask(address, photo, mask, **params):
    """What a served model answers: the bytes of the photo, and the reason if none."""
    row = [base64.b64encode(content).decode() for content in (photo, mask)]
    question = {
        "dataframe_split": {"columns": ["photo", "mask"], "data": [row]},
        "params": params,
    }
    request = urllib.request.Request(
        f"{address}/invocations",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
        (prediction,) = json.load(answer)["predictions"]
    return base64.b64decode(prediction["photo"]), prediction["reason"]


def _wait_for(address, server):
    deadline = time.monotonic() + ANSWER_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(1)
        else:
            return
    said = server.stdout.read() if server.poll() is not None else "nothing so far"
    pytest.fail(f"nobody answers at {address}; the server said: {said}")
