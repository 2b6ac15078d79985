"""Alarms ring when a training goes wrong, once, and not before."""

import logging

import numpy as np
import pytest

from facefill.training.monitors import Monitors

NAMES = ("loss_real", "d_real", "d_fake")


def history(gaps, step=10):
    """Rows of a history with a given D(x) - D(G(z))."""
    return [
        np.array([step * (place + 1), 0.0, 0.5 + gap / 2, 0.5 - gap / 2, 60.0])
        for place, gap in enumerate(gaps)
    ]


def rung(gaps):
    alarms, rows = Monitors(), history(gaps)
    found = [
        (row[0], alarms.discriminator_wins(rows[: place + 1], NAMES))
        for place, row in enumerate(rows)
    ]
    return [(step, *values.items()) for step, values in found if values]


def test_a_discriminator_that_wins_for_long_is_told_once_with_begin_and_end(caplog):
    name = "alarm_discriminator_winning"
    # 500 steps are 50 rows: with x of them at 1.0 and the rest at 0.2 the mean is
    # above 0.9 from x = 44 on.
    assert rung([0.2] * 50 + [1.0] * 60 + [0.2] * 50) == [
        (940.0, (name, 1.0)),
        (1170.0, (name, 0.0)),
    ]
    assert caplog.text.count("the discriminator has been winning for 500 steps") == 1


def test_no_alarm_of_balance_comes_before_its_time_or_from_a_short_win():
    assert rung([1.0] * 49) == []
    assert rung([0.8] * 300) == []
    assert rung([0.2] * 100 + [1.0] * 40 + [0.2] * 100) == []


def test_samples_that_are_alike_are_told_after_the_first_steps(caplog):
    caplog.set_level(logging.INFO)
    alarms = Monitors()
    assert alarms.mode_collapse(500, 0.0) == {}
    assert alarms.mode_collapse(2500, 0.8) == {}
    assert alarms.mode_collapse(3000, 0.2) == {"alarm_low_diversity": 1.0}
    assert alarms.mode_collapse(3500, 0.1) == {}
    assert alarms.mode_collapse(4000, 0.7) == {"alarm_low_diversity": 0.0}
    assert "differ only 0.20 times as much as photos" in caplog.text


@pytest.mark.parametrize("missing", [0, 30])
def test_rows_of_several_steps_count_by_their_steps(missing):
    rows = history([1.0] * 20, step=100)[missing // 10 :]
    assert Monitors().discriminator_wins(rows, NAMES) == {
        "alarm_discriminator_winning": 1.0
    }
