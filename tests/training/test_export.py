"""The models of a checkpoint are those of its training."""

import pytest

from facefill.errors import ModelError
from facefill.models.files import weights_sha256
from facefill.training.checkpoints import Checkpoint
from facefill.training.export import models_of_checkpoint
from small_trainings import trained


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
def test_a_checkpoint_holds_the_models_of_its_training(tmp_path, norm):
    models, checkpoint = trained(tmp_path, norm)
    taken = models_of_checkpoint(checkpoint)
    assert weights_sha256(taken.generator) == weights_sha256(models.generator)
    assert weights_sha256(taken.discriminator) == weights_sha256(models.discriminator)


def test_a_checkpoint_of_unknown_layers_is_not_shipped():
    checkpoint = Checkpoint(
        step=1, arrays={}, fingerprint={"train.start_from": "a folder"}
    )
    with pytest.raises(ModelError, match="ship what it wrote to data/06_models"):
        models_of_checkpoint(checkpoint)
