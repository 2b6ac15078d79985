"""Variables are set for the libraries, and the user's are left alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from facefill import environment

COMMANDS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_WORKERS": "1",
}


@pytest.fixture
def variables(monkeypatch):
    """An environment of its own, without what facefill sets."""
    variables = {
        key: value
        for key, value in os.environ.items()
        if key not in COMMANDS and key != "TF_ENABLE_ONEDNN_OPTS"
    }
    monkeypatch.setattr(os, "environ", variables)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    return variables


def test_a_command_has_all_variables(variables):
    environment.prepare_commands()
    environment.speed_up_tensorflow()

    assert {key: variables[key] for key in COMMANDS} == COMMANDS
    assert variables["TF_ENABLE_ONEDNN_OPTS"] == "1"


def test_what_the_user_has_set_is_left_alone(variables):
    theirs = dict.fromkeys([*COMMANDS, "TF_ENABLE_ONEDNN_OPTS"], "theirs")
    variables |= theirs

    environment.prepare_commands()
    environment.speed_up_tensorflow()

    assert {key: variables[key] for key in theirs} == theirs


def test_mlflow_is_found_in_an_environment_that_is_not_activated(variables):
    variables["PATH"] = os.defpath

    environment.prepare_commands()

    folder = str(Path(sys.executable).parent)
    assert variables["PATH"] == os.pathsep.join([folder, os.defpath])
    environment.prepare_commands()
    assert variables["PATH"].count(folder) == 1


def test_importing_the_package_costs_nothing():
    code = "import sys; before = set(sys.modules); import facefill; print(*before)"
    code = code.replace("print(*before)", "print(*set(sys.modules) - before)")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    ours = {name for name in done.stdout.split() if name.startswith("facefill")}
    heavy = {"numpy", "pydantic", "kedro", "mlflow", "tensorflow", "keras"}

    assert ours == {"facefill", "facefill.environment"}
    assert not heavy & set(done.stdout.split())


def test_settings_need_no_library_of_unix():
    """A stand-in for Windows, which has no ``fcntl``: the hooks are importable."""
    code = (
        "import sys; sys.modules['fcntl'] = None;"
        "import facefill.hooks.tracking, facefill.environment"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "prepare", ["prepare_commands", "prepare_completion", "prepare_app"]
)
def test_a_program_ends_without_looking_for_garbage(prepare):
    code = f"""
import gc
from facefill import environment
class Garbage:
    def __del__(self):
        print("looked at")
gc.disable()
garbage = Garbage()
garbage.itself = garbage
del garbage
environment.{prepare}()
print("last line")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "last line\n"


IMPORT = """
from facefill import environment
environment.prepare_completion()
import tensorflow
print(tensorflow.__name__, len(tensorflow.config.list_physical_devices("CPU")))
"""


@pytest.mark.slow
@pytest.mark.parametrize("level", [None, "0"])
def test_tensorflow_is_silent_unless_the_user_has_set_its_level(level):
    given = {key: value for key, value in os.environ.items() if key not in COMMANDS}
    said = subprocess.run(
        [sys.executable, "-c", IMPORT],
        env=given | ({"TF_CPP_MIN_LOG_LEVEL": level} if level else {}),
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    assert said.stdout == "tensorflow 1\n"
    assert (said.stderr == "") == (level is None)


def test_the_app_reports_to_nobody(variables):
    variables["GRADIO_ANALYTICS_ENABLED"] = "True"

    environment.prepare_app()

    assert variables["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert variables["HF_HUB_DISABLE_TELEMETRY"] == variables["HF_HUB_OFFLINE"] == "1"
    assert variables["TF_CPP_MIN_LOG_LEVEL"] == "3"


def test_any_name_can_be_printed_in_any_locale():
    name = "Zo\u00eb \u65e5\u672c \udcff"
    script = f"import facefill.settings; print({name!a})"
    finished = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "Zo\\xeb \\u65e5\\u672c \\udcff\n"
