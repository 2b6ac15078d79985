"""An evaluation as MLflow metrics and as figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from facefill.evaluation.completions import Scores
from facefill.evaluation.figures import score_bars

BARS = {
    "hole_psnr": "PSNR over the hole, dB (higher is better)",
    "identity": "distance from the true face as dlib sees people (lower is better)",
}


def flat_metrics(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Name the mean of each metric: ``evaluate/<mask>/<method>_<metric>``.

    MLflow's pages make a section of what stands before the last slash.

    Args:
        rows: A row for each mask and method, of ``completions.report`` and of
            ``in_photo``.
    """
    return {
        f"evaluate/{row['mask']}/{row['method']}_{name}": value
        for row in rows
        for name, value in row.items()
        if name not in ("mask", "method") and not name.endswith(("_low", "_high"))
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
