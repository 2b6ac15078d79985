"""Training of a refiner on from the shipped one, on completions of one's own generator.

The same loop as the shipped one's; what differs is where it begins, that checkpoints of
another generator are given up, and where the crops come from.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.backend import devices
from facefill.errors import DataError, ModelError
from facefill.inversion.pca_fit import GaussianFit, noise_of
from facefill.models import pretrained
from facefill.models.encoders import read_encoder
from facefill.models.face_pca import FacePca
from facefill.models.files import TRAIN_FIRST, weights_sha256
from facefill.models.refiners import TrainedRefiner
from facefill.parameters import CompleteOptions, TrainOptions
from facefill.preparation.face_set import pixel_digest
from facefill.training.checkpoints import CheckpointStore
from facefill.training.refiner.batches import RefinerBatches
from facefill.training.refiner.coarse import CoarseCompleter
from facefill.training.refiner.perceptual import perceptual_loss
from facefill.training.refiner.step import (
    METRICS,
    LossWeights,
    RefinerBatch,
    RefinerState,
)
from facefill.training.refiner.trainer import RefinerTrainer
from facefill.training.step_loop import (
    Report,
    Schedule,
    Telling,
    forget_other,
    take_steps,
)


def tune_refiner(
    crops: NDArray[np.uint8],
    completer: CoarseCompleter,
    options: TrainOptions,
    folder: Path,
    report: Report | None = None,
) -> TrainedRefiner:
    """Train from the newest checkpoint, or from the shipped weights, to the last step.

    A refiner is trained for one generator: checkpoints of another training are
    deleted, and it begins anew.

    Args:
        crops: uint8 (N, 2 S, 2 S, 3).
        completer: Completes their faces, with the generator and its encoder.
        options: Options of the training, of one refiner step at least.
        folder: Keeps checkpoints, and the coarse completions of the round.
        report: Told the steps done and the mean metrics after every call of the graph.

    Raises:
        DataError: If there are fewer crops than a batch holds.
        CheckpointError: If every checkpoint is damaged, or one cannot be written.
        NonFiniteError: If a loss is not finite; the last checkpoint stays.
    """
    schedule = Schedule(options.refiner_steps, checkpoint_every=100)
    if len(crops) < schedule.batch_size:
        raise DataError(
            f"there are {len(crops)} crops for the refiner, a batch has "
            f"{schedule.batch_size}; add photos or set train.refiner_steps to 0"
        )
    with devices.on_device(options.device):
        trainer = trainer_of(crops.shape[1], completer.seed, options)
        fingerprint = trainer.describe() | {
            "batch_size": schedule.batch_size,
            "generator": weights_sha256(completer.generator),
            "encoder": weights_sha256(completer.encoder),
            "statistics": completer.fit.statistics.fingerprint,
            "noise": completer.fit.noise,
            "detail": completer.detail,
            "crops": f"{len(crops)} of hash {pixel_digest(crops)}",
        }
        store = CheckpointStore(folder / "checkpoints", options.keep_checkpoints)
        forget_other(store, fingerprint, "refiner", schedule.max_steps)
        batches = RefinerBatches(crops, completer, _coarse_folder(folder, fingerprint))
        state = take_steps(
            trainer,
            lambda step: batches.batch(step, schedule.batch_size),
            store,
            schedule,
            fingerprint,
            Telling("training the refiner", METRICS, report),
        )
        network = trainer.trainer.refiner(state)
    return TrainedRefiner(network, str(fingerprint["generator"]))


def completer_of(
    generator: keras.Model,
    encoder: Path,
    statistics: FacePca,
    completion: CompleteOptions,
    seed: int,
) -> CoarseCompleter:
    """Completer of faces as a search with the options would, in one pass.

    Args:
        generator: The generator.
        encoder: Folder of its encoder.
        statistics: Statistics of faces.
        completion: Options of the search.
        seed: Seed of the holes.

    Raises:
        ModelError: If the folder has no encoder of this generator.
    """
    trained = read_encoder(encoder)
    if trained is None or trained.generator_sha256 != weights_sha256(generator):
        raise ModelError(f"{encoder} has no encoder of the generator; {TRAIN_FIRST}")
    fit = GaussianFit(statistics, noise_of(completion.fit_noise, statistics.num_faces))
    share = completion.coarse_share
    return CoarseCompleter(trained.network, generator, fit, share, seed)


@dataclass(frozen=True)
class TunedTrainer:
    """A trainer that begins with the weights of a refiner.

    Attributes:
        trainer: Takes the steps.
        start: The refiner; None begins with drawn weights.
        has_perceptual_loss: Whether the trainer has it.
    """

    trainer: RefinerTrainer
    start: keras.Model | None
    has_perceptual_loss: bool

    def initial_state(self) -> RefinerState:
        """Make the state before the first step."""
        state = self.trainer.initial_state()
        if self.start is None:
            return state
        weights = [ops.convert_to_tensor(v) for v in self.start.trainable_variables]
        refiner = state.refiner._replace(weights=weights)
        return state._replace(refiner=refiner, average=list(weights))

    def describe(self) -> dict[str, Any]:
        """Describe what the steps depend on, as values that JSON can hold."""
        return self.trainer.describe() | {
            "start": weights_sha256(self.start) if self.start else "random",
            "perceptual_loss": self.has_perceptual_loss,
        }

    def advance(
        self, state: RefinerState, batches: RefinerBatch
    ) -> tuple[RefinerState, NDArray[np.float32]]:
        """Take as many steps as there are batches; see ``RefinerTrainer``."""
        return self.trainer.advance(state, batches)


def trainer_of(size: int, seed: int, options: TrainOptions) -> TunedTrainer:
    """Trainer that begins with the shipped refiner, if that is of the size.

    Args:
        size: Side of a crop in pixels.
        seed: Seed of the weights of what begins anew.
        options: Arithmetic and device.
    """
    is_of_size = pretrained.refiner_side() == size
    start = pretrained.load_refiner() if is_of_size else None
    loss = perceptual_loss()
    precision = devices.resolve_precision(options.precision, options.device)
    trainer = RefinerTrainer(size, seed, LossWeights(), loss, precision)
    return TunedTrainer(trainer, start, loss is not None)


def _coarse_folder(folder: Path, fingerprint: dict[str, Any]) -> Path:
    """Folder of the coarse completions of this training; others' are deleted."""
    text = json.dumps(fingerprint, sort_keys=True)
    name = f"coarse-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    for other in folder.glob("coarse-*"):
        if other.name != name:
            for path in other.glob("*.npy"):
                path.unlink()
            other.rmdir()
    return folder / name
