"""Reporter of a training that keeps the sample grids as files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from facefill.imaging.pictures import write_png
from facefill.training.loop import Reporter


def prefixed(
    report: Callable[[int, Mapping[str, float]], None], prefix: str
) -> Callable[[int, Mapping[str, float]], None]:
    """Report metrics under names that begin with a prefix.

    Args:
        report: Takes a step and its metrics.
        prefix: Such as ``train``, which a slash follows.
    """
    return lambda step, values: report(
        step, {f"{prefix}/{name}": value for name, value in values.items()}
    )


class GridKeeper:
    """Passes curves and pictures on, and writes each picture as a PNG file.

    ``models.sampling`` makes the animation of the training from these files.
    """

    def __init__(self, reporter: Reporter, folder: Path) -> None:
        """Store the reporter, and the folder that receives the pictures."""
        self._reporter = reporter
        self._report = prefixed(reporter.scalars, "train")
        self._folder = folder

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Pass the metrics of a step on, with the prefix ``train/``."""
        self._report(step, values)

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """Write a picture, uint8 (H, W, 3), and pass it on, with the same prefix."""
        write_png(self._folder / f"{name}-{step:08d}.png", image)
        self._reporter.picture(step, f"train/{name}", image)
