"""What importing the package, and its settings, does to the process."""

import os
import subprocess
import sys

import pytest

SAY = "import os, facefill; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_the_user_turned_it_off(given, expected):
    environment = dict(os.environ)
    environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
    if given is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = given
    said = subprocess.run(
        [sys.executable, "-c", SAY],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == expected


def first_use(**given):
    code = (
        "import facefill, os; facefill.align; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    environment = {
        key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment | given,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.slow
def test_tensorflow_says_nothing_of_the_machine_when_python_first_needs_it():
    used = first_use()
    assert used.stdout == "3\n"
    assert used.stderr == ""


@pytest.mark.slow
def test_whoever_wants_to_read_tensorflow_reads_it():
    used = first_use(TF_CPP_MIN_LOG_LEVEL="0")
    assert used.stdout == "0\n"
    assert "oneDNN" in used.stderr


def test_importing_the_package_alone_leaves_the_log_of_tensorflow_alone():
    code = "import facefill, os; print(os.environ.get('TF_CPP_MIN_LOG_LEVEL'))"
    environment = {
        key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"
    }
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "None\n"
