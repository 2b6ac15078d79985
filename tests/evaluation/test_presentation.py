"""What an evaluation shows: metrics in sections, a sheet for each mask, bars."""

import numpy as np
import pandas as pd

from facefill.evaluation.completions import Scores
from facefill.evaluation.presentation import BARS, chosen_metrics, figures

ROWS = [
    {
        "mask": mask,
        "method": method,
        "hole_psnr": 20.0,
        "hole_psnr_low": 19.0,
        "hole_psnr_high": 21.0,
    }
    for mask in ("center", "left")
    for method in ("telea", "blended")
]


def test_metrics_are_the_few_of_our_completions_under_each_mask():
    unblended = [row | {"method": "completed", "hole_psnr": 10.0} for row in ROWS[:1]]
    lowres = unblended[0] | {"mask": "lowres"}

    assert chosen_metrics([*unblended, *ROWS, lowres]) == {
        "evaluate/center/hole_psnr": 20.0,
        "evaluate/left/hole_psnr": 20.0,
        "evaluate/lowres/hole_psnr": 10.0,
    }


def test_there_is_a_sheet_for_each_mask_and_a_figure_for_each_bar():
    sheet = np.zeros((4, 4, 3), np.uint8)
    scores = [Scores(mask, pd.DataFrame(), sheet, {}) for mask in ("center", "left")]
    pictures = figures(scores, ROWS)
    assert set(pictures) == {"center.png", "left.png", *(f"{bar}.png" for bar in BARS)}
    assert pictures["center.png"] is sheet
    assert pictures["hole_psnr.png"].ndim == 3
