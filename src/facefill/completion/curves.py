"""Losses of a completion over the iterations, and their report to MLflow."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from facefill.completion.result_folders import result_folder
from facefill.completion.uncertainty import COLUMNS

ITERATIONS_BETWEEN_POINTS = 10

LOSSES = ["contextual", "perceptual"]

Scalars = Callable[[int, Mapping[str, float]], None]
"""Takes the metrics of a step, by name."""


def mean_losses(photos: Iterable[str], output: Path) -> dict[str, np.ndarray]:
    """Average the losses of the best candidates, iteration by iteration.

    Args:
        photos: Ids of completed photos.
        output: Folder of the completions.

    Returns:
        Mean of each loss before each iteration, float64 (iterations,), by name.
    """
    total, count = np.zeros(()), 0
    for photo in photos:
        history = pd.read_parquet(output / result_folder(photo) / "history.parquet")
        total = total + history[history["candidate"] == 1][LOSSES].to_numpy(np.float64)
        count += 1
    if count == 0:
        return {}
    return dict(zip(LOSSES, (np.asarray(total) / count).T, strict=True))


def report_curves(
    curves: Mapping[str, np.ndarray],
    table: pd.DataFrame,
    iterations: int,
    scalars: Scalars,
) -> None:
    """Report the mean losses over the iterations, and the chains over the photos.

    Args:
        curves: Losses from ``mean_losses``.
        table: A row for each photo; the figures of its chains are the points of
            ``hmc/...``, in the order of the table.
        iterations: Iterations of the search.
        scalars: Receives the points.
    """
    for step in range(0, iterations, ITERATIONS_BETWEEN_POINTS):
        at_step = {f"complete/{name}": losses[step] for name, losses in curves.items()}
        scalars(step, at_step)
    for index, row in enumerate(table[list(COLUMNS)].to_dict("records")):
        scalars(index, {f"hmc/{name}": value for name, value in row.items()})
