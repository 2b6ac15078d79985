"""Nodes of the pipeline ``sample``; what they call is imported when they run."""

from pathlib import Path
from typing import Any

from facefill.parameters import SampleOptions
from facefill.pipelines.annotations import Model


def sample_generator(
    generator: Model,
    training_grids: Path,
    options: SampleOptions,
    image_size: int,
    seed: int,
) -> dict[str, Any]:
    """Draw a grid, single samples, a latent walk, arithmetic and the training's GIF."""
    from facefill.models.sampling import draw_samples

    grids = sorted(training_grids.glob("samples-*.png"))
    return draw_samples(generator, grids, options, image_size, seed)
