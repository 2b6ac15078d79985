"""``facefill app`` as it is typed, without a browser."""

import importlib.util
import socket

import pytest
from click.testing import CliRunner

from facefill.commands.app import app


def test_without_gradio_one_line_says_what_to_install(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "gradio" else find(name),
    )

    ran = CliRunner().invoke(app, [])

    assert ran.exit_code == 1
    assert ran.stderr == (
        "Error: facefill app needs the extra app: in the folder of facefill, "
        "pip install -e '.[app]'\n"
    )


def test_a_port_that_is_taken_is_an_error_of_one_line():
    pytest.importorskip("gradio", reason="needs the extra app")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ran = CliRunner().invoke(app, ["--port", str(port)])

    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"Error: port {port} of 127.0.0.1 cannot be used")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_what_is_no_port_is_refused(port):
    assert CliRunner().invoke(app, ["--port", port]).exit_code == 2
