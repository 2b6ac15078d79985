"""Trainings that TensorFlow and JAX begin, continue and end; prints JSON.

Usage: ``KERAS_BACKEND=tensorflow|jax python crossing_backends.py FOLDER ACT``, with the
acts ``begin``, then ``other`` under the other backend, then ``end`` under the first.
Photos, noise and checkpoints are the same for both; only the arithmetic is another's.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np

from facefill.parameters import TrainOptions
from facefill.training.checkpoints import CheckpointStore
from facefill.training.loop import train
from facefill.training.trainer import Trainer

SIZE = 64
BEGINNING = 10
MIDDLE = 20
STEPS = 30
PHOTOS = np.random.default_rng(0).integers(0, 256, (96, SIZE, SIZE, 3), np.uint8)

VARIANTS = {
    "default": {},
    "slope": {"r1_weight": 10.0, "r1_interval": 4},
    "everything": {
        "augment": ["colour", "translation", "cutout"],
        "discriminator_norm": "spectral",
        "r1_weight": 10.0,
        "r1_interval": 4,
        "real_label": 0.9,
        "update_order": "alternating",
        "generator_updates": 2,
    },
}


class HalfWayError(Exception):
    """Ends a training half-way, after its checkpoint."""


class Reporter:
    def __init__(self, last):
        self._last = last

    def scalars(self, step, values):
        if step > self._last:
            raise HalfWayError

    def picture(self, step, name, image):
        pass


def begun(variant):
    """Take the default options but for the widths, and a look at every step."""
    values = {
        "generator_width": 8,
        "discriminator_width": 8,
        "precision": "float32",
        "device": "cpu",
        "steps_per_call": 1,
        "max_steps": STEPS,
        "checkpoint_every": 10,
        # A tenth of the default's: at that, weights moved by a ten-millionth of
        # themselves change losses by a hundredth within 20 steps, whoever computes.
        "learning_rate": 2e-5,
    }
    chosen = TrainOptions.model_validate(values | VARIANTS[variant])
    return Trainer(chosen, SIZE, 1)


def go(folder, trainer, last=STEPS):
    """Continue a training; its metrics by step, but not its speed."""
    try:
        models = train(PHOTOS, trainer, CheckpointStore(folder), Reporter(last))
    except HalfWayError:
        return {}
    history = dict(models.history)
    del history["images_per_second"]
    return history


def begin(folder, trainer):
    """Train from a state that all share, and leave another copy half-way.

    It is none of the first: there Adam divides by a single gradient, and turns the
    rounding of those near 0 into whole steps; and where a picture is blank and biases
    are still 0, leaky ReLU is at its kink, whose slope is 0.2 to TensorFlow, 1 to JAX.
    """
    go(folder / "first", trainer, BEGINNING)
    for name in ("own", "ours, theirs", "their own", "theirs, ours"):
        shutil.copytree(folder / "first", folder / name)
    go(folder / "ours, theirs", trainer, MIDDLE)
    return {"own": go(folder / "own", trainer)}


def other(folder, trainer):
    """Train from the same first state, and on from where the first backend was."""
    go(folder / "theirs, ours", trainer, MIDDLE)
    return {name: go(folder / name, trainer) for name in ("their own", "ours, theirs")}


def end(folder, trainer):
    """Train on from where the other backend was."""
    return {"theirs, ours": go(folder / "theirs, ours", trainer)}


if __name__ == "__main__":
    act = {"begin": begin, "other": other, "end": end}[sys.argv[2]]
    found = {name: act(Path(sys.argv[1], name), begun(name)) for name in VARIANTS}
    print(json.dumps(found))  # noqa: T201
