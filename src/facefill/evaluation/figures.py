"""Bar charts of scores by method and mask."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from facefill.imaging.sheets import rendered


def score_bars(
    rows: Sequence[Mapping[str, Any]], metric: str, label: str
) -> np.ndarray:
    """Draw a metric by mask and method, with 95 % intervals.

    Args:
        rows: Of ``completions.report``.
        metric: Which column.
        label: What to write beside it.

    Returns:
        uint8 (height, width, 3).
    """
    from matplotlib.figure import Figure

    rows = [row for row in rows if metric in row]
    masks = list(dict.fromkeys(row["mask"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure = Figure(
        figsize=(4.5 + 1.8 * len(masks), 5.0), dpi=110, layout="constrained"
    )
    figure.suptitle("Completion of held-out faces, 95 % intervals", fontsize="medium")
    axes = figure.add_subplot()
    axes.set_ylabel(label, fontsize="small")
    width = 0.8 / max(len(methods), 1)
    colours = _colours(len(methods))
    for column, method in enumerate(methods):
        chosen = [row for row in rows if row["method"] == method]
        errors = [
            [row[metric] - row[f"{metric}_low"] for row in chosen],
            [row[f"{metric}_high"] - row[metric] for row in chosen],
        ]
        axes.bar(
            [masks.index(row["mask"]) + column * width for row in chosen],
            [row[metric] for row in chosen],
            width,
            yerr=errors,
            label=method.replace("_", " "),
            color=colours[column],
        )
    axes.set_xticks(np.arange(len(masks)) + 0.4 - width / 2, masks)
    if methods:
        figure.legend(fontsize="small", loc="outside right upper")
    return rendered(figure)


def _colours(count: int) -> Any:
    from matplotlib import colormaps

    return colormaps["tab20"](np.linspace(0.0, 1.0, 20))[:count]
