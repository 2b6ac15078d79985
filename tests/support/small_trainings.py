"""Trainings of a second, and a reporter that keeps quiet."""

import numpy as np

from facefill.parameters import TrainOptions
from facefill.training.checkpoints import CheckpointStore
from facefill.training.loop import train
from facefill.training.trainer import Trainer


class Silent:
    """A reporter that is told and says nothing."""

    def scalars(self, step, values):
        pass

    def picture(self, step, name, image):
        pass


def trained(folder, norm):
    """Train two steps; give the models, and the checkpoint that they left."""
    options = TrainOptions(
        batch_size=8,
        latent_size=6,
        generator_width=4,
        discriminator_width=4,
        discriminator_norm=norm,
        precision="float32",
        device="cpu",
        max_steps=2,
        checkpoint_every=2,
        steps_per_call=2,
    )
    photos = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
    store = CheckpointStore(folder)
    models = train(photos, Trainer(options, 16, seed=1), store, Silent())
    return models, store.latest()
