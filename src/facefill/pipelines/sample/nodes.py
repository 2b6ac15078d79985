"""Nodes of the pipeline ``sample``; what they call is imported when they run."""

import logging
from pathlib import Path
from typing import Any

from facefill.parameters import SampleOptions
from facefill.pipelines.annotations import Model

log = logging.getLogger(__name__)


def sample_generator(
    *,
    generator: Model,
    training_grids: Path,
    records: Path,
    options: SampleOptions,
    image_size: int,
    seed: int,
) -> tuple[Path, dict[str, Any]]:
    """Draw a grid, single samples, a latent walk, arithmetic and the training's GIF.

    Returns:
        The folder of the records, and pictures by file name: those of the last time if
        nothing has changed since.
    """
    from facefill.imaging.pictures import encode_png
    from facefill.models.files import weights_sha256
    from facefill.models.sampling import draw_samples
    from facefill.runtime.files import file_sha256
    from facefill.runtime.remembered import Remembered, key_of

    grids = sorted(training_grids.glob("samples-*.png"))
    hashes = [file_sha256(path) for path in grids]
    key = key_of(
        weights_sha256(generator), hashes, options.model_dump(), image_size, seed
    )
    result = Remembered(records, key)
    pictures = result.load()
    if pictures is None:
        drawn = draw_samples(generator, grids, options, image_size, seed)
        pictures = {
            name: picture if isinstance(picture, bytes) else encode_png(picture)
            for name, picture in drawn.items()
        }
        result.save(pictures)
    else:
        log.info("the samples are those of the last time: nothing has changed")
    return records, pictures
