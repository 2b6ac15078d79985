"""Keras models out of a training checkpoint."""

import keras

from facefill.errors import ModelError
from facefill.models.files import ModelPair
from facefill.parameters import TrainOptions
from facefill.training.checkpoints import Checkpoint
from facefill.training.trainer import Trainer


def models_of_checkpoint(checkpoint: Checkpoint) -> ModelPair:
    """Take the averaged generator and the discriminator out of a training's state.

    Raises:
        ModelError: If the training started from models, whose layers the checkpoint
            does not tell.
    """
    fingerprint = checkpoint.fingerprint
    if fingerprint.get("train.start_from", "random") != "random":
        raise ModelError(
            "the training of this checkpoint started from models; end it with Ctrl-C "
            "and ship what it wrote to data/06_models"
        )
    sizes = {
        name: fingerprint[name]
        for name in ("latent_size", "generator_width", "discriminator_width")
    }
    norm = fingerprint.get("discriminator_norm", "batch")
    options = TrainOptions.model_validate(
        sizes | {"discriminator_norm": norm, "precision": "float32"}
    )
    trainer = Trainer(options, fingerprint["image_size"], fingerprint["seed"])
    arrays = checkpoint.arrays
    # Names that are no numbers are those of curves.
    values = [arrays[name] for name in sorted(arrays) if name.isdigit()]
    state = keras.tree.pack_sequence_as(trainer.initial_state(), values)
    return ModelPair(*trainer.models(state))
