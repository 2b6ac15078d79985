"""What is served to this machine, asked by others: real servers, real requests."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from facefill.runtime.tracking_page import MAX_REQUEST
from projects import ROOT, Miniature

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EVIL = "http://evil.example"
FORM = {"Content_Type": "application/x-www-form-urlencoded"}


@contextmanager
def running(words, folder, environment):
    """A server, which is gone afterwards, with all of its children."""
    server = subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield server
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        server.stdout.close()


class Site:
    """A server at a port of this machine."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=b"", **headers):
        """Send a request as it is; gives the status and the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in ({"Host": self.host} | named).items():
                connection.putheader(name, value)
            if "Content-Length" not in named:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The pages of ``kedro mlflow ui`` in a project."""
    project = Miniature(tmp_path_factory.mktemp("served") / "project")
    port = free_port()
    words = [sys.executable, "-m", "kedro", "mlflow", "ui", f"--port={port}"]
    environment = os.environ | {
        "DO_NOT_TRACK": "1",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with running(words, project.root, environment) as server:
        assert f"http://127.0.0.1:{port}" in server.stdout.readline()
        # Whoever opens what is printed at once is not refused.
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        yield Site(port)


def listening(port):
    """Addresses that a port is listened on, of every kind: this machine's."""
    lines = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]
    ]
    return {
        words[1].split(":")[0]
        for words in lines
        if words[3] == "0A" and int(words[1].split(":")[1], 16) == port
    }


EXPERIMENTS = "/api/2.0/mlflow/experiments/create"


def test_the_pages_of_runs_are_on_this_machine_alone(runs):
    assert listening(runs.port) == {"0100007F"}  # 127.0.0.1
    status, page = runs.ask("GET", "/")
    assert status == 200
    assert b"workflowType" in page


@pytest.mark.parametrize(
    "path", ["/", "/health", "/version", "/static-files/index.html", "/graphql"]
)
def test_a_foreign_host_is_refused_on_every_page_of_runs(runs, path):
    for host in ("evil.example", f"evil.example:{runs.port}", "192.168.1.7"):
        assert runs.ask("GET", path, Host=host)[0] == 403


@pytest.mark.parametrize("origin", [EVIL, "null", "http://127.0.0.1:8000"])
def test_a_foreign_page_changes_nothing_of_the_runs(runs, origin):
    named = json.dumps({"name": f"of {origin}"}).encode()
    for path in (EXPERIMENTS, EXPERIMENTS.replace("/api", "/ajax-api"), "/graphql"):
        assert runs.ask("POST", path, named, Origin=origin)[0] == 403
        assert runs.ask("POST", path, named, Origin=origin, **FORM)[0] == 403
    search = json.dumps({"max_results": 100}).encode()
    status, found = runs.ask(
        "POST",
        "/api/2.0/mlflow/experiments/search",
        search,
        Content_Type="application/json",
    )
    assert status == 200
    assert b"of " not in found


def test_the_page_itself_may_change_runs(runs):
    status, _ = runs.ask(
        "POST",
        "/ajax-api/2.0/mlflow/experiments/create",
        json.dumps({"name": "ours"}).encode(),
        Content_Type="application/json",
        Origin=f"http://{runs.host}",
    )
    assert status == 200


@pytest.mark.parametrize(
    "path",
    [
        "../../../../etc/passwd",
        "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "..%5C..%5Cetc%5Cpasswd",
        "/etc/passwd",
    ],
)
def test_no_artifact_is_read_from_outside(runs, path):
    made = json.dumps({"name": f"artifacts {path}"}).encode()
    headers = {"Content_Type": "application/json"}
    _, answer = runs.ask("POST", EXPERIMENTS, made, **headers)
    begun = json.dumps({"experiment_id": json.loads(answer)["experiment_id"]})
    _, answer = runs.ask(
        "POST", "/api/2.0/mlflow/runs/create", begun.encode(), **headers
    )
    run = json.loads(answer)["run"]["info"]["run_id"]
    for address in (
        f"/get-artifact?path={path}&run_uuid={run}",
        f"/ajax-api/2.0/mlflow-artifacts/artifacts/{path}",
    ):
        status, content = runs.ask("GET", address)
        assert status >= 400
        assert b"root:" not in content


def test_more_than_a_page_has_a_use_for_is_not_read(runs):
    assert runs.ask("POST", EXPERIMENTS, Content_Length=str(MAX_REQUEST + 1))[0] == 413
    assert runs.ask("POST", EXPERIMENTS, b"{" * 1000)[0] == 400


@pytest.fixture(scope="module")
def app():
    """The page of ``facefill app``."""
    pytest.importorskip("gradio")
    words = [sys.executable, "-m", "facefill", "app", f"--port={free_port()}"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with running(words, ROOT, environment) as server:
        yield Site(int(re.search(r":(\d+)", server.stdout.readline())[1]))


def test_the_app_is_on_this_machine_alone_and_its_page_is_answered(app):
    assert listening(app.port) == {"0100007F"}
    status, page = app.ask("GET", "/")
    assert status == 200
    assert b"gradio" in page


def test_the_app_answers_no_other_host_and_no_foreign_page(app):
    for path in ("/", "/gradio_api/info", "/config"):
        assert app.ask("GET", path, Host="evil.example")[0] == 403
    for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/run/0"):
        for origin in (EVIL, "null", "http://127.0.0.1:8000"):
            assert app.ask("POST", path, b"a=1", Origin=origin, **FORM)[0] == 403


def test_the_app_takes_no_file_larger_than_it_says_and_no_larger_request(app):
    from facefill.app.messages import MAX_UPLOAD_MB
    from facefill.app.server import MAX_REQUEST as MAX_OF_APP

    upload = "/gradio_api/upload"
    assert app.ask("POST", upload, Content_Length=str(MAX_OF_APP + 1))[0] == 413
    join = "/gradio_api/queue/join"
    assert app.ask("POST", join, Content_Length=str(10**12))[0] == 413
    form = {"Content_Type": "multipart/form-data; boundary=edge"}
    head = (
        b'--edge\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    )
    few, many = (
        head + bytes(size) + b"\r\n--edge--\r\n"
        for size in (1000, MAX_UPLOAD_MB * 2**20 + 2**20)
    )
    assert len(many) < MAX_OF_APP
    assert app.ask("POST", upload, few, **form)[0] == 200
    assert app.ask("POST", upload, many, **form)[0] == 413
