"""Losses over the iterations are means over the photos."""

import numpy as np
import pandas as pd

from facefill.completion.curves import mean_losses, report_curves
from facefill.completion.uncertainty import COLUMNS


def write_history(folder, losses):
    """Write a history whose second candidate must not count."""
    folder.mkdir()
    steps = len(losses)
    table = pd.DataFrame(
        {
            "candidate": [1] * steps + [2] * steps,
            "contextual": [*losses, *[99.0] * steps],
            "perceptual": [*(-value for value in losses), *[99.0] * steps],
        }
    )
    table.to_parquet(folder / "history.parquet")


def test_curves_are_means_of_the_best_candidates(tmp_path):
    write_history(tmp_path / "a", [3.0, 1.0])
    write_history(tmp_path / "b", [5.0, 2.0])
    curves = mean_losses(["a", "b"], tmp_path)
    assert curves["contextual"].tolist() == [4.0, 1.5]
    assert curves["perceptual"].tolist() == [-4.0, -1.5]


def test_without_a_face_there_is_no_curve(tmp_path):
    assert mean_losses([], tmp_path) == {}


def test_every_tenth_iteration_and_every_photo_is_a_point():
    curves = {"contextual": np.arange(25.0), "perceptual": -np.arange(25.0)}
    table = pd.DataFrame([dict.fromkeys(COLUMNS, 1.0), dict.fromkeys(COLUMNS, 2.0)])
    points = []
    report_curves(curves, table, 25, lambda step, values: points.append((step, values)))
    assert [step for step, _ in points] == [0, 10, 20, 0, 1]
    assert points[1][1] == {"complete/contextual": 10.0, "complete/perceptual": -10.0}
    assert points[4][1] == {f"hmc/{name}": 2.0 for name in COLUMNS}
