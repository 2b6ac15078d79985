"""Trainings in processes that are killed or run out of disk, many of them cheaply.

Usage: ``python dying_trainings.py kills|full FOLDER COUNT``; prints JSON.

TensorFlow takes long to import, so it is imported once here, and each training is a
fork of this process, which never runs an operation itself: TensorFlow starts its
threads only with the first one.
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
from pathlib import Path

import numpy as np

from facefill.checkpoints import CheckpointStore
from facefill.dcgan import Trainer
from facefill.errors import FacefillError
from facefill.parameters import TrainOptions
from facefill.training import train

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


def run(folder, descriptor, seed, max_steps, limit):
    """Train in this process, which is a fork, and leave it."""
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    options = TrainOptions.model_validate(
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
    try:
        trainer = Trainer(options, SIZE, seed)
        train(PHOTOS, trainer, CheckpointStore(folder), Pipe(descriptor), Brightness())
    except FacefillError as error:
        os.write(descriptor, str(error).encode())
        os._exit(1)
    os._exit(0)


def start(folder, seed=1, max_steps=STEPS, limit=None):
    """Fork a training; returns its process id and what it writes to."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        run(folder, writing, seed, max_steps, limit)
    os.close(writing)
    return pid, reading


def finish(folder, **arguments):
    """Train to the end; returns the seconds of the loop, the status, what it said."""
    pid, reading = start(folder, **arguments)
    said, begun = b"", None
    while part := os.read(reading, 4096):
        begun = begun or time.monotonic()
        said += part
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    spent = time.monotonic() - (begun or time.monotonic())
    return spent, os.waitstatus_to_exitcode(status), said.decode().lstrip(".")


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
    """Kill trainings at random moments of their loop, some several times."""
    draw = np.random.default_rng(3)
    duration, _, _ = finish(folder / "whole")
    finish(folder / "other", seed=2)
    whole = digest(folder / "whole")
    equal, killed, lost, litter = 0, 0, 0, 0
    for number in range(count):
        cut = folder / f"cut-{number}"
        wanted = int(draw.choice([1, 1, 1, 2, 3]))
        while wanted and lost < 5 * count:
            pid, reading = start(cut)
            os.read(reading, 1)
            time.sleep(float(draw.uniform(0.0, duration)))
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            os.close(reading)
            if os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
                killed, wanted = killed + 1, wanted - 1
            else:  # it was done before: begin anew, for a run has to be killed
                lost += 1
                shutil.rmtree(cut)
        finish(cut)
        equal += digest(cut) == whole
        litter += len(list(cut.glob(".writing-*")))
        shutil.rmtree(cut)
    control = digest(folder / "other") != whole
    return {
        "runs": count,
        "kills": killed,
        "equal": equal,
        "litter": litter,
        "control_differs": control,
    }


def full(folder, count):
    """Let trainings run out of space at several sizes of a file."""
    finish(folder / "whole")
    whole = digest(folder / "whole")
    middle = folder / "middle"
    finish(middle, max_steps=MIDDLE)
    before = {path.name: path.read_bytes() for path in middle.iterdir()}
    smallest = min(map(len, before.values()))
    refused, intact, equal, messages = 0, 0, 0, set()
    for limit in np.linspace(0, smallest - 1, count).astype(int).tolist():
        cut = folder / f"limit-{limit}"
        shutil.copytree(middle, cut)
        _, status, said = finish(cut, limit=limit)
        refused += status == 1
        messages.add(said.replace(str(cut), "FOLDER"))
        intact += {path.name: path.read_bytes() for path in cut.iterdir()} == before
        finish(cut)
        equal += digest(cut) == whole
        shutil.rmtree(cut)
    return {
        "sizes": count,
        "refused": refused,
        "intact": intact,
        "equal": equal,
        "messages": sorted(messages),
    }


if __name__ == "__main__":
    acts = {"kills": kills, "full": full}
    print(json.dumps(acts[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201
