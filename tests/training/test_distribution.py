"""Several devices take the steps that one takes."""

import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

from joint_trainings import STEPS
from projects import ROOT

# A sum of float32 in another order differs by 1e-7 of it; Adam divides by its root,
# and the losses of eight steps follow.
TOLERANCE = 1e-5

long = [pytest.mark.long, pytest.mark.timeout(1800)]


def start(*arguments, **environment):
    """Start trainings in a process whose devices are not chosen yet."""
    return subprocess.Popen(
        [sys.executable, "tests/support/joint_trainings.py", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process):
    """Wait for a process that ends well; what it has to tell."""
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return json.loads(output)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start_cluster(folder, *wanted):
    """Start one process for each of what is wanted; the first is the chief."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(len(wanted))]
    for place, each in enumerate(wanted):
        task = {"type": "worker", "index": place}
        yield start(
            "worker",
            folder / str(place),
            TF_CONFIG=json.dumps({"cluster": {"worker": workers}, "task": task}),
            JOINT=json.dumps(each),
        )


def ends(processes):
    """Wait for all; the exit code and the last line of each."""
    found = [process.communicate()[1].splitlines()[-1] for process in processes]
    return [process.returncode for process in processes], found


@pytest.mark.parametrize(
    "variants",
    [
        pytest.param("default", marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
        pytest.param("reference slope everything", marks=long),
    ],
)
def test_two_devices_take_the_steps_of_one_that_has_the_whole_batch(variants, tmp_path):
    found = told(start("variants", tmp_path, *variants.split()))
    for name in variants.split():
        one, two = map(np.array, found[name])
        assert one.shape[0] == STEPS
        assert two == pytest.approx(one, rel=TOLERANCE, abs=TOLERANCE)
    assert found["refused"] == (
        "train.batch_size is 9, which 2 devices cannot share equally; make it a "
        "multiple of 2, or set train.distribute to none"
    )


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_training_continues_on_another_number_of_devices(tmp_path):
    found = told(start("resumed", tmp_path))
    for outcome in found.values():
        assert outcome["step"] == STEPS
        assert outcome["checkpoints"] == ["00000004", "00000008"]
        for kind in ("losses", "weights"):
            whole = np.array(found["one"][kind])
            assert np.array(outcome[kind]) == pytest.approx(whole, abs=TOLERANCE)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_processes_take_the_steps_of_one_and_the_chief_alone_saves(tmp_path):
    whole = told(start("resumed", tmp_path / "alone"))["one"]
    half = {"options": {"max_steps": STEPS // 2}}
    for wanted in (half, {}):  # begun together, continued together
        chief, other = map(told, list(start_cluster(tmp_path, wanted, wanted)))
    for outcome in (chief, other):
        assert outcome["step"] == STEPS
        for kind in ("losses", "weights"):
            expected = np.array(whole[kind])
            assert np.array(outcome[kind]) == pytest.approx(expected, abs=TOLERANCE)
    assert chief["checkpoints"] == whole["checkpoints"]
    assert chief["told"] > 0
    assert other["checkpoints"] == []
    assert other["told"] == 0


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_an_interrupted_process_stops_the_others_after_the_same_step(tmp_path):
    more = {"options": {"max_steps": 2 * STEPS}}
    processes = list(
        start_cluster(tmp_path, more, more | {"signal": int(signal.SIGTERM)})
    )
    codes, lines = ends(processes)
    assert codes == [1, -signal.SIGTERM]
    assert lines[0].startswith(
        f"Error: another process of the cluster was interrupted; step {STEPS} is saved"
    )


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("place", [0, 1])
def test_a_killed_process_ends_the_others_in_one_line(tmp_path, place):
    wanted = [{}, {}]
    wanted[place] = {"signal": int(signal.SIGKILL)}
    codes, lines = ends(list(start_cluster(tmp_path, *wanted)))
    assert codes[place] == -signal.SIGKILL
    assert codes[1 - place] == 1
    assert lines[1 - place].startswith("Error: another process of the cluster is gone")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_process_with_other_photos_is_refused(tmp_path):
    codes, lines = ends(list(start_cluster(tmp_path, {}, {"photos": 39})))
    assert codes == [1, 1]
    assert lines[1].startswith("Error: this process has faces = 39 of hash")
    assert lines[1].endswith("; all have to be the same")
