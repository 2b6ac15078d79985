"""Trainings on several devices, in processes of their own.

Usage: ``python joint_trainings.py ACT FOLDER [VARIANT...]``; prints JSON. How many
devices a process has, and which cluster it is in, is fixed before TensorFlow does
anything.
"""

import json
import os
import sys
from functools import cache
from pathlib import Path

import numpy as np

from facefill.errors import FacefillError
from facefill.parameters import TrainOptions
from facefill.training.batches import batches
from facefill.training.checkpoints import CheckpointStore
from facefill.training.distribution import choose_strategy
from facefill.training.loop import train
from facefill.training.trainer import Trainer

SIZE = 16
STEPS = 8
PHOTOS = np.random.default_rng(0).integers(0, 256, (40, SIZE, SIZE, 3), np.uint8)

VARIANTS = {
    "default": {},
    "reference": {"preset": "reference", "batch_size": 8},
    "slope": {"r1_weight": 10.0, "r1_interval": 3},
    "everything": {
        "discriminator_norm": "spectral",
        "r1_weight": 10.0,
        "r1_interval": 2,
        "augment": ["colour", "translation", "cutout"],
        "real_label": 0.9,
        "update_order": "alternating",
        "generator_updates": 2,
    },
}


def options(**changes):
    values = {
        "max_steps": STEPS,
        "batch_size": 8,
        "latent_size": 6,
        "generator_width": 4,
        "discriminator_width": 4,
        "precision": "float32",
        "device": "cpu",
        "distribute": "none",
        "steps_per_call": 4,
        "checkpoint_every": 4,
        "sample_every": STEPS,
    }
    return TrainOptions.model_validate(values | changes)


@cache  # several devices can be made one strategy of, once a process
def strategy(distribute):
    return choose_strategy(distribute, "cpu")


def trainer_of(chosen):
    return Trainer(chosen, SIZE, 1, strategy=strategy(chosen.distribute))


class Recorder:
    """A reporter that counts what it is told."""

    told = 0

    def scalars(self, step, values):
        self.told += 1

    def picture(self, step, name, image):
        self.told += 1


def variants(_):
    """Take the same steps on one device and on two; the metrics of both."""
    found = {}
    try:
        trainer_of(options(distribute="mirrored", batch_size=9))
    except FacefillError as error:
        found["refused"] = str(error)
    for name in sys.argv[3:]:
        records = []
        for distribute in ("none", "mirrored"):
            chosen = options(distribute=distribute, **VARIANTS[name])
            trainer = trainer_of(chosen)
            state, rows = trainer.initial_state(), []
            for stack in batches(PHOTOS, chosen, 1, 0):
                state, metrics = trainer.advance(state, stack)
                rows += metrics.tolist()
            records.append(rows)
        found[name] = records
    return found


def outcome(folder, models, told=0):
    """Tell what a training has come to."""
    return {
        "step": models.step,
        "losses": models.history["loss_generator"],
        "weights": [
            [float(np.mean(weight)), float(np.std(weight))]
            for weight in models.generator.get_weights()
        ],
        "checkpoints": sorted(path.name.split("-")[1] for path in folder.glob("*")),
        "told": told,
    }


def resumed(folder):
    """Train on one device and on two in turn, and without a change."""
    found = {}
    for name, turns in {
        "one": ["none"],
        "one, two": ["none", "mirrored"],
        "two, one": ["mirrored", "none"],
        "two": ["mirrored"],
    }.items():
        store = CheckpointStore(folder / name)
        for last, distribute in enumerate(turns, 1):
            steps = STEPS * last // len(turns)
            chosen = options(distribute=distribute, max_steps=steps)
            models = train(PHOTOS, trainer_of(chosen), store, Recorder())
        found[name] = outcome(store.folder, models)
    return found


def worker(folder):
    """Train as one process of a cluster, as the environment says."""
    wanted = json.loads(os.environ.get("JOINT", "{}"))
    chosen = options(distribute="multi_worker", **wanted.get("options", {}))
    trainer = trainer_of(chosen)
    photos = PHOTOS[: wanted.get("photos")]
    if number := wanted.get("signal"):
        advance = trainer.advance

        def disturbed(state, stack):
            if int(state.step) == STEPS // 2:
                os.kill(os.getpid(), number)
            return advance(state, stack)

        trainer.advance = disturbed
    recorder = Recorder()
    models = train(photos, trainer, CheckpointStore(folder), recorder)
    return outcome(folder, models, recorder.told)


def use_two_devices():
    import tensorflow as tf

    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        processor, [tf.config.LogicalDeviceConfiguration()] * 2
    )


if __name__ == "__main__":
    acts = {"variants": variants, "resumed": resumed, "worker": worker}
    if "TF_CONFIG" not in os.environ:
        use_two_devices()
    try:
        print(json.dumps(acts[sys.argv[1]](Path(sys.argv[2]))))  # noqa: T201
    except FacefillError as error:
        sys.exit(f"Error: {error}")
