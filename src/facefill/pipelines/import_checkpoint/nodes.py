"""Nodes of ``import_checkpoint``; what they call is imported when they run."""

from typing import TYPE_CHECKING, Any

from facefill.parameters import ImportOptions

if TYPE_CHECKING:
    from keras import Model
else:
    # Kedro resolves annotations when it starts, which must not import Keras.
    Model = Any


def import_models(options: ImportOptions) -> tuple[Model, Model, dict[str, Any]]:
    """Read a checkpoint of TensorFlow 1; give both networks, and what they are."""
    from facefill.models import tf1_import

    models, report = tf1_import.import_models(options.path)
    return models.generator, models.discriminator, report
