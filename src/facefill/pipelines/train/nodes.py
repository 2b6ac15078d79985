"""Nodes of the pipeline ``train``; what they call is imported when they run."""

from pathlib import Path
from typing import Any

from facefill.errors import DataError
from facefill.parameters import AlignOptions, CompleteOptions, TrainOptions
from facefill.pipelines.annotations import DataFrame, FacePca, FaceSet, Figure, Model
from facefill.runtime.tracking import Tracker


def train_networks(  # noqa: PLR0913  # what a training needs, by name
    *,
    training_set: FaceSet,
    checkpoints: Path,
    training_grids: Path,
    face_descriptors: Path,
    options: TrainOptions,
    alignment: AlignOptions,
    image_size: int,
    seed: int,
) -> tuple[Path, Path, Path, Model, Model, Model, dict[str, Any]]:
    """Train from the newest checkpoint on.

    Returns:
        The folders of checkpoints, sample grids and face descriptors, the averaged
        generator, the discriminator, the generator again, which later stages of the
        training read whatever ``model`` says, and the report.
    """
    from facefill.evaluation.sample_quality import assessor
    from facefill.models.sources import starting_models
    from facefill.training.checkpoints import CheckpointStore
    from facefill.training.distribution import choose_strategy
    from facefill.training.loop import report, train
    from facefill.training.reporting import GridKeeper
    from facefill.training.trainer import Trainer

    # Before TensorFlow loads a model, which would be too late to join a cluster.
    strategy = choose_strategy(options.distribute, options.device)
    start = starting_models(options.start_from)
    photos = training_set.of_split("train")
    store = CheckpointStore(checkpoints, options.keep_checkpoints)
    with Tracker() as tracker:
        models = train(
            photos,
            Trainer(options, image_size, seed, start, strategy),
            store,
            GridKeeper(tracker, training_grids),
            assessor(training_set, options, alignment, seed, face_descriptors),
        )
    networks = models.generator, models.discriminator
    folders = checkpoints, training_grids, face_descriptors
    return *folders, *networks, models.generator, report(models, photos)


def train_encoder(
    *,
    training_set: FaceSet,
    generator: Model,
    folder: Path,
    options: TrainOptions,
    seed: int,
) -> tuple[Path, dict[str, Any]]:
    """Train the encoder of the generator, from the newest checkpoint on.

    Returns:
        The folder with the encoder and its checkpoints, and the report; without an
        encoder if the options want none.
    """
    from facefill.models.encoders import ENCODER_FILE
    from facefill.models.sources import starting_encoder
    from facefill.runtime.files import write_bytes
    from facefill.training.checkpoints import CheckpointStore
    from facefill.training.cluster import is_chief
    from facefill.training.encoder.loop import train_encoder as train
    from facefill.training.encoder.quality import NUMBERS, report
    from facefill.training.reporting import prefixed

    summary: dict[str, Any] = {"steps": options.encoder_steps}
    if options.encoder_steps == 0:
        (folder / ENCODER_FILE).unlink(missing_ok=True)
    elif is_chief(options.distribute):
        store = CheckpointStore(folder / "checkpoints", options.keep_checkpoints)
        networks = generator, starting_encoder(options.start_from)
        photos = training_set.of_split("train")
        with Tracker() as tracker:
            tell = prefixed(tracker.scalars, "encoder")
            encoder = train(photos, networks, options, seed, store, tell)
            write_bytes(folder / ENCODER_FILE, encoder.packed())
            summary |= report(encoder, generator, training_set, seed)
            tell(
                options.encoder_steps,
                {name: summary[name] for name in NUMBERS if name in summary},
            )
    return folder, summary


def train_refiner(  # noqa: PLR0913  # what a training needs, by name
    *,
    training_set: FaceSet,
    alignment: DataFrame,
    photos: Path,
    generator: Model,
    encoder: Path,
    statistics: FacePca,
    folder: Path,
    options: TrainOptions,
    aligning: AlignOptions,
    completion: CompleteOptions,
    seed: int,
) -> tuple[Path, dict[str, Any]]:
    """Train the shipped refiner on, on completions of the generator.

    Returns:
        The folder with the refiner and its checkpoints, and the report; without a
        refiner if the options want none.
    """
    from facefill.models.refiners import REFINER_FILE
    from facefill.runtime.files import write_bytes
    from facefill.training.cluster import is_chief
    from facefill.training.refiner.crops import crops_of
    from facefill.training.refiner.tuning import completer_of, tune_refiner
    from facefill.training.reporting import prefixed

    summary: dict[str, Any] = {"steps": options.refiner_steps}
    if options.refiner_steps == 0:
        (folder / REFINER_FILE).unlink(missing_ok=True)
    elif is_chief(options.distribute):
        border = aligning.border
        crops = crops_of(training_set, alignment, photos, folder, seed, border)
        completer = completer_of(generator, encoder, statistics, completion, seed)
        with Tracker() as tracker:
            tell = prefixed(tracker.scalars, "refiner")
            refiner = tune_refiner(crops, completer, options, folder, tell)
        write_bytes(folder / REFINER_FILE, refiner.packed())
        summary |= {
            "crops": len(crops),
            "generator_sha256": refiner.generator_sha256,
            "refiner_sha256": refiner.fingerprint,
        }
    return folder, summary


def measure_faces(
    training_set: FaceSet, completion: CompleteOptions, seed: int
) -> FacePca:
    """Compute the principal components of the training faces, for completion."""
    from facefill.models.face_pca import measure
    from facefill.runtime import rng

    generator = rng.keyed_rng(seed, rng.Purpose.STATISTICS)
    faces = training_set.of_split("train")
    return measure(faces, completion.fit_components, generator)


def draw_curves(training_report: dict[str, Any]) -> Figure:
    """Plot the losses and D's mean outputs over the steps.

    Raises:
        DataError: If nothing has been trained here.
    """
    from facefill.training.figures import training_curves

    if "history" not in training_report:
        raise DataError(
            "there is no training whose curves could be drawn; run "
            "`kedro run --pipeline=train` first"
        )
    return training_curves(training_report["history"])
