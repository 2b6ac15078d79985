"""Nodes of the pipeline ``train``; what they call is imported when they run."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facefill.parameters import AlignOptions, CompleteOptions, TrainOptions
from facefill.runtime.tracking import Tracker

if TYPE_CHECKING:
    import numpy as np
    from keras import Model
    from plotly.graph_objects import Figure

    from facefill.models.face_pca import FacePca
    from facefill.preparation.face_set import FaceSet
else:
    # Kedro resolves annotations when it starts, which must not import Keras.
    Figure = FaceSet = FacePca = Model = Any


class _GridKeeper:
    """Reports to MLflow and keeps every grid as a file, for the animation."""

    def __init__(self, tracker: Tracker, folder: Path) -> None:
        self._tracker = tracker
        self._folder = folder

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._tracker.scalars(step, {f"train/{name}": values[name] for name in values})

    def picture(self, step: int, name: str, image: "np.ndarray") -> None:
        from facefill.imaging.pictures import write_png

        write_png(self._folder / f"{name}-{step:08d}.png", image)
        self._tracker.picture(step, name, image)


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
) -> tuple[Model, Model, dict[str, Any]]:
    """Train from the newest checkpoint on.

    Returns:
        The averaged generator, the discriminator and the report.
    """
    from facefill.evaluation.sample_quality import assessor
    from facefill.models.sources import starting_models
    from facefill.training.checkpoints import CheckpointStore
    from facefill.training.distribution import choose_strategy
    from facefill.training.loop import report, train
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
            _GridKeeper(tracker, training_grids),
            assessor(training_set, options, alignment, seed, face_descriptors),
        )
    return models.generator, models.discriminator, report(models, photos)


def measure_faces(
    training_set: FaceSet, completion: CompleteOptions, seed: int
) -> FacePca:
    """Measure what the training faces have in common, for completion."""
    from facefill.models.face_pca import measure
    from facefill.runtime import rng

    draw = rng.keyed_rng(seed, rng.Purpose.STATISTICS)
    faces = training_set.of_split("train")
    return measure(faces, completion.fit_components, draw)


def draw_curves(training_report: dict[str, Any]) -> Figure:
    """Draw the losses and D's verdicts over the steps."""
    from facefill.training.figures import training_curves

    return training_curves(training_report["history"])
