"""Nodes of training: unpack, call the library, report to MLflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facefill.parameters import TrainOptions
from facefill.tracking import Tracker

if TYPE_CHECKING:
    import keras
    import numpy as np
    import plotly.graph_objects

    from facefill.flattening import FaceSet


class _GridKeeper:
    """Reports to MLflow and keeps every grid as a file, for the animation."""

    def __init__(self, tracker: Tracker, folder: Path) -> None:
        self._tracker = tracker
        self._folder = folder

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._tracker.scalars(step, values)

    def picture(self, step: int, name: str, image: "np.ndarray") -> None:
        from facefill.images import write_png

        write_png(self._folder / f"{name}-{step:08d}.png", image)
        self._tracker.picture(step, name, image)


def train_networks(
    training_set: "FaceSet",
    checkpoints: Path,
    training_grids: Path,
    options: TrainOptions,
    image_size: int,
    seed: int,
) -> tuple["keras.Model", "keras.Model", dict[str, Any]]:
    """Train from the newest checkpoint on.

    Returns:
        The averaged generator, the discriminator and the report.
    """
    from facefill.checkpoints import CheckpointStore
    from facefill.dcgan import Trainer
    from facefill.training import report, train

    faces = training_set.of_split("train")
    store = CheckpointStore(checkpoints, options.keep_checkpoints)
    with Tracker() as tracker:
        models = train(
            faces,
            Trainer(options, image_size, seed),
            store,
            _GridKeeper(tracker, training_grids),
        )
    return models.generator, models.discriminator, report(models, faces)


def draw_curves(training_report: dict[str, Any]) -> "plotly.graph_objects.Figure":
    """Draw the losses and D's verdicts over the steps."""
    from facefill.figures import training_curves

    return training_curves(training_report["history"])
