"""Training loop of the encoder: photos and a generator in, an encoder out."""

import keras

from facefill.backend import devices
from facefill.models.encoders import TrainedEncoder
from facefill.parameters import TrainOptions
from facefill.preparation.face_set import pixel_digest
from facefill.preparation.sharded_array import ImageArray
from facefill.training.checkpoints import CheckpointStore
from facefill.training.encoder.batches import EncoderBatches
from facefill.training.encoder.step import METRICS
from facefill.training.encoder.trainer import EncoderTrainer
from facefill.training.step_loop import (
    Report,
    Schedule,
    Telling,
    forget_other,
    take_steps,
)


def train_encoder(
    photos: ImageArray,
    networks: tuple[keras.Model, keras.Model | None],
    options: TrainOptions,
    seed: int,
    store: CheckpointStore,
    report: Report | None = None,
) -> TrainedEncoder:
    """Train from the newest checkpoint, or from the start, to the last step.

    An encoder belongs to one generator and is trained for so many steps: checkpoints
    of another training are deleted, and it begins anew.

    Args:
        photos: Those of the training split, uint8 (N, S, S, 3).
        networks: The generator, and the encoder to begin with, if there is one.
        options: Options of the training, of one encoder step at least.
        seed: Seed of the weights and of everything that is drawn.
        store: Where the state is kept.
        report: Told the steps done and the mean metrics after every call of the graph.

    Raises:
        CheckpointError: If every checkpoint is damaged, or one cannot be written.
        NonFiniteError: If a loss is not finite; the last checkpoint stays.
    """
    with devices.on_device(options.device):
        generator, start = networks
        trainer = EncoderTrainer(generator, options, seed, start)
        schedule = Schedule(
            options.encoder_steps, options.batch_size, options.checkpoint_every
        )
        fingerprint = trainer.describe() | {
            "batch_size": options.batch_size,
            "flip": options.flip,
            "faces": f"{len(photos)} of hash {pixel_digest(photos)}",
        }
        forget_other(store, fingerprint, "encoder", schedule.max_steps)
        latent_size = int(generator.input_shape[1])
        batches = EncoderBatches(photos, latent_size, seed, flip=options.flip)
        state = take_steps(
            trainer,
            lambda step: batches.batch(step, options.batch_size),
            store,
            schedule,
            fingerprint,
            Telling("training the encoder", METRICS, report),
        )
        return trainer.encoder(state)
