"""Training curves are drawn with no more points than can be seen."""

import pytest

from facefill.training.figures import training_curves

NAMES = ("loss_real", "loss_fake", "loss_generator", "d_real", "d_fake")


@pytest.mark.parametrize(("steps", "points"), [(3000, 1000), (7, 7)])
def test_many_steps_are_means_of_their_neighbours(steps, points):
    values = [1.0 + 2.0 * (step % 2) for step in range(steps)]
    history = {"step": list(range(1, steps + 1)), **dict.fromkeys(NAMES, values)}
    curves = training_curves(history)
    assert [curve.name for curve in curves.data] == list(NAMES)
    assert len(curves.data[0].x) == points
    assert curves.data[0].x[-1] == steps
    assert sum(curves.data[0].y) / points == pytest.approx(
        sum(values) / steps, rel=1e-3
    )
