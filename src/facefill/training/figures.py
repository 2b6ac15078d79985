"""Training curves as an interactive Plotly figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import plotly.graph_objects

_MAX_POINTS = 1000


def training_curves(
    history: Mapping[str, Sequence[float]],
) -> "plotly.graph_objects.Figure":
    """Draw losses above and mean D(x) and D(G(z)) below, over the steps.

    Args:
        history: Values by metric, with ``step`` among them; each of a point is the
            mean of its neighbours where there are more than can be seen.
    """
    from plotly.subplots import make_subplots

    rows = {
        "loss_real": 1,
        "loss_fake": 1,
        "loss_generator": 1,
        "d_real": 2,
        "d_fake": 2,
    }
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, subplot_titles=("losses", "D(x) and D(G(z))")
    )
    count = min(_MAX_POINTS, len(history["step"]))
    steps = [part[-1] for part in np.array_split(history["step"], count)]
    for name, row in rows.items():
        means = [float(part.mean()) for part in np.array_split(history[name], count)]
        figure.add_scatter(x=steps, y=means, name=name, row=row, col=1)
    figure.update_xaxes(title_text="steps", row=2, col=1)
    return figure
