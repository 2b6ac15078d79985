"""An evaluation as MLflow metrics and as figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from facefill.evaluation.completions import Scores
from facefill.evaluation.figures import score_bars
from facefill.evaluation.in_photo import AVERAGES

BARS = {
    "hole_psnr": "PSNR over the hole, dB (higher is better)",
    "identity": "distance from the true face as dlib sees people (lower is better)",
}

OURS = ("completed", "blended", "default")
"""Methods whose averages are MLflow's metrics: the last that a mask has."""


def every_mean(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Rows of a report for each mask and method, those judged in the photo last."""
    return [*report["rows"], *report["in_photo"]["rows"]]


def chosen_metrics(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Choose the averages that MLflow draws: of our completions, and few of them.

    Two hundred charts of one bar each hide what one looks for; all the rows are in
    the report, which MLflow shows as a table.

    Args:
        rows: A row for each mask and method, of ``completions.report`` and of
            ``in_photo``.

    Returns:
        ``evaluate/<mask>/<metric>``, of which MLflow's pages make a section a mask.
    """
    ours: dict[str, Mapping[str, Any]] = {}
    for method in OURS:
        ours |= {row["mask"]: row for row in rows if row["method"] == method}
    return {
        f"evaluate/{mask}/{name}": row[name]
        for mask, row in ours.items()
        for name in {**BARS, **AVERAGES}
        if name in row
    }


def figures(
    scores: Sequence[Scores], rows: Sequence[Mapping[str, Any]]
) -> dict[str, np.ndarray]:
    """Draw a sheet of faces for each mask, and bars for each metric of ``BARS``.

    Args:
        scores: Results of each mask.
        rows: A row for each mask and method, of ``completions.report``.

    Returns:
        Pictures by file name, uint8 (height, width, 3).
    """
    sheets = {f"{score.mask}.png": score.sheet for score in scores}
    bars = {
        f"{name}.png": score_bars(rows, name, label) for name, label in BARS.items()
    }
    return sheets | bars
