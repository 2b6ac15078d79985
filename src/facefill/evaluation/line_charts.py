"""Curves of a training as lines of an SVG picture, which a page draws itself."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

WIDTH, HEIGHT = 520, 200
"""Of a chart, in its own units."""

_MAX_POINTS = 250
_CURVES = {
    "Losses": ("loss_real", "loss_fake", "loss_generator"),
    "What D takes for real": ("d_real", "d_fake"),
}


class Chart(NamedTuple):
    """Lines over the steps of a training.

    Attributes:
        title: What it shows.
        lines: Points of each line by name, ``x,y x,y``, in units of the chart.
        low: Value at its lower edge.
        high: Value at its upper edge.
        last: Step at its right edge; 0 is at the left one.
    """

    title: str
    lines: Mapping[str, str]
    low: float
    high: float
    last: int


def charts_of_training(training: Mapping[str, Any]) -> list[Chart]:
    """Draw losses, beliefs of the discriminator, and each score of samples.

    Args:
        training: Report of a training: ``history`` with values by name, and
            ``scores``, a list of values by name.
    """
    history = training["history"]
    charts = [
        chart(title, history["step"], {name: history[name] for name in names})
        for title, names in _CURVES.items()
    ]
    scores = training.get("scores", [])
    names = dict.fromkeys(name for score in scores for name in score if name != "step")
    for name in names:
        kept = [score for score in scores if score.get(name) is not None]
        steps = [score["step"] for score in kept]
        charts.append(
            chart(f"Score: {name}", steps, {name: [score[name] for score in kept]})
        )
    return charts


def chart(
    title: str, steps: Sequence[float], curves: Mapping[str, Sequence[float]]
) -> Chart:
    """Draw curves over the same steps.

    Args:
        title: What they show.
        steps: Rising, at least one.
        curves: A finite value for each step, by name.
    """
    thinned = {name: _thinned(values) for name, values in curves.items()}
    at = _thinned(steps)
    everything = np.concatenate(list(thinned.values()))
    low, high = float(everything.min()), float(everything.max())
    last = float(max(steps[-1], 1.0))
    scale = (high - low) or 1.0
    lines = {
        name: " ".join(
            f"{WIDTH * step / last:.1f},{HEIGHT * (high - value) / scale:.1f}"
            for step, value in zip(at, values, strict=True)
        )
        for name, values in thinned.items()
    }
    return Chart(title, lines, low, high, int(last))


def _thinned(values: Sequence[float]) -> np.ndarray:
    """Averages of at most so many parts as can be told apart."""
    count = min(_MAX_POINTS, len(values))
    return np.array([part.mean() for part in np.array_split(values, count)])
