"""Nodes of ``import_checkpoint``; what they call is imported when they run."""

from typing import Any

from facefill.parameters import ImportOptions
from facefill.pipelines.annotations import Model


def import_models(options: ImportOptions) -> tuple[Model, Model, dict[str, Any]]:
    """Convert a TensorFlow 1 checkpoint to Keras models.

    Returns:
        The generator, the discriminator, and the report.
    """
    from facefill.models import tf1_import

    models, report = tf1_import.import_models(options.path)
    return models.generator, models.discriminator, report
