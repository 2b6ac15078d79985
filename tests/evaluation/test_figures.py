"""Scores are drawn as bars, whatever was scored."""

import numpy as np
import pytest

from facefill.evaluation.figures import score_bars


def rows(metric, methods=("telea", "blended"), masks=("center", "half")):
    return [
        {"mask": mask, "method": method, metric: 9.0 + place, **bounds(metric, place)}
        for mask in masks
        for place, method in enumerate(methods)
    ]


def bounds(metric, place):
    return {f"{metric}_low": 8.5 + place, f"{metric}_high": 9.5 + place}


def test_other_scores_are_another_figure():
    psnr = score_bars(rows("psnr"), "psnr", "dB")
    more = score_bars(rows("psnr", ("telea", "pca", "blended")), "psnr", "dB")
    assert psnr.ndim == 3
    assert psnr.dtype == np.uint8
    assert min(psnr.std(), more.std()) > 10.0
    assert psnr.shape != more.shape or not np.array_equal(psnr, more)


@pytest.mark.parametrize("given", [[], rows("ssim")])
def test_a_metric_that_nothing_was_scored_by_is_an_empty_figure(given):
    empty, filled = (
        score_bars(given, "psnr", "dB"),
        score_bars(rows("psnr"), "psnr", "dB"),
    )
    assert empty.ndim == 3
    assert (empty < 250).mean() < 0.5 * (filled < 250).mean()
