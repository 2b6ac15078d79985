"""Nodes of the pipeline ``sample``; what they call is imported when they run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from facefill.parameters import SampleOptions

if TYPE_CHECKING:
    from keras import Model
else:
    # Kedro resolves annotations when it starts, which must not import Keras.
    Model = Any


def sample_generator(
    generator: Model,
    training_grids: Path,
    options: SampleOptions,
    image_size: int,
    seed: int,
) -> dict[str, Any]:
    """Draw a grid, single pictures, a walk, arithmetic and the training's film."""
    from facefill.models.sampling import draw_samples

    grids = sorted(training_grids.glob("samples-*.png"))
    return draw_samples(generator, grids, options, image_size, seed)
