"""A training that is told to stop saves, says so, and goes on to the same end."""

import random
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

import disturbing
from commands import query

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]

STOPS = 3
COMMAND = ["--pipeline=train", "--params=train.max_steps:400"]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def checkpoints(data):
    return sorted((data / "06_models/checkpoints").glob("step-*.npz"))


def final_state(data):
    """Arrays of the newest checkpoint; the last column of the history is a speed."""
    with np.load(checkpoints(data)[-1]) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["history"] = arrays["history"][:, :-1]
    return arrays


def statuses(data):
    rows = query(data, "SELECT status FROM runs ORDER BY start_time")
    return [status for (status,) in rows]


def is_stopped(data, number, delay_s):
    """Signal a training some time after it has saved; False if it was done before."""
    before = checkpoints(data)
    with disturbing.start(data, *COMMAND) as process:
        while process.poll() is None and checkpoints(data) == before:
            time.sleep(0.02)
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        out, err = process.communicate()
    if process.returncode == 0:
        return False
    assert process.returncode == CODES[number], out + err
    assert "Traceback" not in out + err
    return True


@pytest.mark.parametrize("number", CODES)
def test_a_stopped_training_says_so_and_ends_in_the_same_bits(data, tmp_path, number):
    shutil.rmtree(data / "06_models")
    whole = tmp_path / "whole"
    shutil.copytree(data, whole)
    finished = disturbing.run(whole, *COMMAND)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    draw, stopped = random.Random(int(number)), 0
    while stopped < STOPS:
        if is_stopped(data, number, draw.uniform(0.0, 0.5)):
            stopped += 1
            assert statuses(data)[-1] == "KILLED"
        else:  # It counts only if nothing but stopped trainings came before its end.
            shutil.rmtree(data / "06_models")
            stopped = 0
    finished = disturbing.run(data, *COMMAND)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert statuses(data)[-1] == "FINISHED"
    one, two = final_state(whole), final_state(data)
    assert one.keys() == two.keys()
    # Scores that were not measured are NaN.
    assert all(np.array_equal(one[name], two[name], equal_nan=True) for name in one)
    assert disturbing.litter(data) == []
