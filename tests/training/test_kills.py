"""A training that dies at any moment goes on as if nothing had happened."""

import json
import os
import subprocess
import sys

import pytest

from projects import ROOT


def outcome(act, folder, count):
    """Run the trainings in a process that has not used TensorFlow yet."""
    finished = subprocess.run(
        [sys.executable, "tests/support/dying_trainings.py", act, folder, str(count)],
        cwd=ROOT,
        env=os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param(3, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
        pytest.param(
            100, marks=[pytest.mark.long, pytest.mark.chaos, pytest.mark.timeout(7200)]
        ),
    ],
)
def test_a_killed_training_ends_in_the_same_bits(tmp_path, runs):
    found = outcome("kills", tmp_path, runs)
    assert found["runs"] == found["equal"] == runs
    assert found["kills"] >= runs
    assert found["litter"] == 0
    assert found["control_differs"]


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param(2, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
        pytest.param(
            10, marks=[pytest.mark.long, pytest.mark.chaos, pytest.mark.timeout(3600)]
        ),
    ],
)
def test_a_full_disk_stops_a_training_with_a_reason_and_costs_no_state(tmp_path, sizes):
    found = outcome("full", tmp_path, sizes)
    assert found["refused"] == found["intact"] == found["equal"] == sizes
    (message,) = found["messages"]
    assert message.startswith("no checkpoint could be written to FOLDER (File too")
    assert "make room and give the same command again" in message
