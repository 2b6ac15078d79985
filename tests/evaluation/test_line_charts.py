"""Curves are where their values are."""

import pytest

from facefill.evaluation.line_charts import HEIGHT, WIDTH, chart, charts_of_training


def points(line):
    return [tuple(map(float, point.split(","))) for point in line.split()]


def test_a_line_goes_from_its_lowest_value_at_the_bottom_to_its_highest_at_the_top():
    drawn = chart("loss", [0, 50, 100], {"loss": [1.0, 2.0, 3.0]})

    assert (drawn.low, drawn.high, drawn.last) == (1.0, 3.0, 100)
    line = points(drawn.lines["loss"])
    assert line == [(0.0, HEIGHT), (WIDTH / 2, HEIGHT / 2), (WIDTH, 0.0)]


def test_lines_of_a_chart_share_its_scale():
    drawn = chart("D", [0, 10], {"real": [1.0, 1.0], "fake": [0.0, 0.5]})

    assert [y for _, y in points(drawn.lines["real"])] == [0.0, 0.0]
    assert [y for _, y in points(drawn.lines["fake"])] == [HEIGHT, HEIGHT / 2]


def test_a_level_line_and_a_single_point_can_be_drawn():
    level = chart("d", [0, 10], {"d": [0.5, 0.5]})
    single = chart("d", [0], {"d": [0.5]})

    assert [y for _, y in points(level.lines["d"])] == [0.0, 0.0]
    assert points(single.lines["d"]) == [(0.0, 0.0)]


def test_a_long_training_is_drawn_by_averages():
    values = [0.0, 1.0] * 5000

    drawn = chart("loss", range(10_000), {"loss": values})

    line = points(drawn.lines["loss"])
    assert len(line) == 250
    assert drawn.low == drawn.high == pytest.approx(0.5)


def test_each_score_has_a_chart_of_the_steps_at_which_it_was_measured():
    names = ["step", "loss_real", "loss_fake", "loss_generator", "d_real", "d_fake"]
    history = {name: [1, 2] for name in names}
    scores = [{"step": 1, "diversity": 0.1}, {"step": 2, "diversity": 0.2, "fid": 9.0}]

    charts = charts_of_training({"history": history, "scores": scores})

    assert [each.title for each in charts] == [
        "Losses",
        "What D takes for real",
        "Score: diversity",
        "Score: fid",
    ]
    assert len(points(charts[2].lines["diversity"])) == 2
    assert len(points(charts[3].lines["fid"])) == 1
