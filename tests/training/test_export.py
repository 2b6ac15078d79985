"""The models of a checkpoint are those of its training."""

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.models.files import weights_sha256
from facefill.parameters import TrainOptions
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.export import models_of_checkpoint
from facefill.training.loop import train
from facefill.training.trainer import Trainer


class Silent:
    """A reporter that is told and says nothing."""

    def scalars(self, step, values):
        pass

    def picture(self, step, name, image):
        pass


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
def test_a_checkpoint_holds_the_models_of_its_training(tmp_path, norm):
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
    store = CheckpointStore(tmp_path)
    models = train(photos, Trainer(options, 16, seed=1), store, Silent())
    taken = models_of_checkpoint(store.latest())
    assert weights_sha256(taken.generator) == weights_sha256(models.generator)
    assert weights_sha256(taken.discriminator) == weights_sha256(models.discriminator)


def test_a_checkpoint_of_unknown_layers_is_not_shipped():
    checkpoint = Checkpoint(
        step=1, arrays={}, fingerprint={"train.start_from": "a folder"}
    )
    with pytest.raises(ModelError, match="ship what it wrote to data/06_models"):
        models_of_checkpoint(checkpoint)
