"""Trainings in processes that are killed or run out of disk, many of them cheaply.

Usage: ``python dying_trainings.py kills|full FOLDER COUNT``; prints JSON.

TensorFlow takes long to import, so it is imported once here, and trainings are forks of
this process, which never runs an operation itself: TensorFlow starts its threads only
with the first one.
"""

import hashlib
import json
import logging
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from facefill.errors import FacefillError
from facefill.parameters import TrainOptions
from facefill.training.checkpoints import CheckpointStore
from facefill.training.loop import train
from facefill.training.trainer import Trainer

SIZE = 16
STEPS = 60
MIDDLE = 30
PHOTOS = np.random.default_rng(0).integers(0, 256, (64, SIZE, SIZE, 3), np.uint8)

logging.disable(logging.WARNING)


class Brightness:
    """A score that costs nothing, so that best checkpoints are among what is killed."""

    count = 4

    def assess(self, samples):
        return {"face_frechet": abs(float(samples.mean()) - 127.0)}

    def nearest(self, samples, photos):
        return {"nearest_sample": float(samples.std() / photos.std())}, samples[0]


class Pipe:
    """A reporter that writes a byte for every call of the graph."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def scalars(self, step, values):
        os.write(self._descriptor, b".")

    def picture(self, step, name, image):
        pass


def options(max_steps):
    return TrainOptions.model_validate(
        {
            "max_steps": max_steps,
            "batch_size": 8,
            "latent_size": 8,
            "generator_width": 8,
            "discriminator_width": 8,
            "precision": "float32",
            "device": "cpu",
            "steps_per_call": 5,
            "checkpoint_every": 5,
            "sample_every": 20,
            "evaluate_every": 10,
        }
    )


def run(folders, descriptor, seed, max_steps, limit):
    """Train in this process, which is a fork, in one folder after the other."""
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        trainer = Trainer(options(max_steps), SIZE, seed)
        for folder in folders:
            store = CheckpointStore(folder)
            train(PHOTOS, trainer, store, Pipe(descriptor), Brightness())
    except FacefillError as error:
        os.write(descriptor, str(error).encode())
        os._exit(1)
    os._exit(0)


def start(folders, seed=1, max_steps=STEPS, limit=None):
    """Fork trainings; returns the process id and what it writes to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            run(folders, writing, seed, max_steps, limit)
        finally:  # a defect must not go on as a second parent
            traceback.print_exc()
            os._exit(2)
    os.close(writing)
    return pid, reading


def finish(*folders, **arguments):
    """Train to the end; returns the seconds of the loop, the status, what it said."""
    pid, reading = start(folders, **arguments)
    said, begun = b"", None
    while part := os.read(reading, 4096):
        begun = begun or time.monotonic()
        said += part
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    spent = time.monotonic() - (begun or time.monotonic())
    return spent, os.waitstatus_to_exitcode(status), said.decode().lstrip(".")


def kill_once(folder, delay_s):
    """Kill a training some time after its first call; says whether it was in time."""
    pid, reading = start([folder])
    os.read(reading, 1)
    time.sleep(delay_s)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(reading)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def digest(folder):
    """Hash weights, statistics, moments and curves, but not the speed, and the best."""
    found = hashlib.sha256()
    store = CheckpointStore(folder)
    for checkpoint in (store.latest(), store.best()):
        for name, array in sorted(checkpoint.arrays.items()):
            kept = array[:, :-1] if name == "history" else array
            found.update(name.encode() + np.ascontiguousarray(kept).tobytes())
        found.update(str(checkpoint.step).encode())
    return found.hexdigest()


def kills(folder, count):
    """Kill trainings at random moments of their loop, some of them twice.

    What is left of them is continued in one process of its own, whose networks are
    compiled once: the state of a training is in its folder alone.
    """
    draw = np.random.default_rng(3)
    duration, _, _ = finish(folder / "whole")
    cuts, steps, killed, late = [], [], 0, 0
    while len(cuts) < count and late < 5 * count:
        cut = folder / f"cut-{len(cuts)}-{late}"
        wanted = int(draw.choice([1, 1, 1, 1, 2]))
        times = [float(draw.uniform(0.0, duration)) for _ in range(wanted)]
        if all([kill_once(cut, delay_s) for delay_s in times]):
            cuts.append(cut)
            killed += wanted
            latest = CheckpointStore(cut).latest()
            steps.append(latest.step if latest else 0)
            sys.stderr.write(f"{len(cuts)} killed, continued from {steps[-1]}\n")
        else:  # it was done before, and a run that counts has to be killed
            late += 1
    finish(*cuts)
    finish(folder / "other", seed=2)
    whole = digest(folder / "whole")
    return {
        "runs": len(cuts),
        "kills": killed,
        "equal": sum(digest(cut) == whole for cut in cuts),
        "litter": sum(len(list(cut.glob(".writing-*"))) for cut in cuts),
        "control_differs": digest(folder / "other") != whole,
        "resumed_from": sorted(set(steps)),
    }


def full(folder, count):
    """Let trainings run out of space at several sizes of a file."""
    middle = folder / "middle"
    finish(middle, max_steps=MIDDLE)
    shutil.copytree(middle, folder / "whole")
    finish(folder / "whole")
    before = {path.name: path.read_bytes() for path in middle.iterdir()}
    smallest = min(map(len, before.values()))
    cuts, refused, intact, messages = [], 0, 0, set()
    for limit in np.linspace(0, smallest - 1, count).astype(int).tolist():
        cut = folder / f"limit-{limit}"
        shutil.copytree(middle, cut)
        _, status, said = finish(cut, limit=limit)
        refused += status == 1
        messages.add(said.replace(str(cut), "FOLDER"))
        intact += {path.name: path.read_bytes() for path in cut.iterdir()} == before
        cuts.append(cut)
    finish(*cuts)
    whole = digest(folder / "whole")
    return {
        "sizes": len(cuts),
        "refused": refused,
        "intact": intact,
        "equal": sum(digest(cut) == whole for cut in cuts),
        "messages": sorted(messages),
    }


if __name__ == "__main__":
    acts = {"kills": kills, "full": full}
    print(json.dumps(acts[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
