"""Presets fill in what is left to them, and nothing else."""

import pytest
from pydantic import ValidationError

from facefill.parameters.blocks import Block, with_preset

PRESETS = {"default": {}, "reference": {"steps": 1000, "rate": 0.1}}


class Example(Block):
    steps: int = 10


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        ({}, {}),
        ({"preset": "reference"}, {"steps": 1000, "rate": 0.1}),
        # None leaves it to the preset, whichever that is.
        ({"preset": "reference", "steps": None}, {"steps": 1000, "rate": 0.1}),
        ({"preset": "default", "steps": None, "rate": None}, {}),
        ({"steps": None}, {}),
        ({"preset": "reference", "steps": 7}, {"steps": 7, "rate": 0.1}),
        # What no preset sets is left to the check.
        ({"other": None}, {"other": None}),
    ],
)
def test_none_is_of_the_preset_and_any_other_value_wins(given, filled):
    made = with_preset(given, PRESETS)

    assert {key: made[key] for key in made if key != "preset"} == filled


def test_base_values_hold_unless_the_preset_or_the_user_says_otherwise():
    base = {"steps": 300, "rate": 0.2}

    assert with_preset({"steps": None}, PRESETS, base) == base
    assert with_preset({"rate": 0.5}, PRESETS, base) == {"steps": 300, "rate": 0.5}
    reference = with_preset({"preset": "reference"}, PRESETS, base)
    assert reference["steps"] == 1000


@pytest.mark.parametrize("preset", [None, 1, ["reference"], {"a": 1}, "Reference"])
def test_a_preset_that_does_not_exist_fills_in_nothing(preset):
    assert with_preset({"preset": preset}, PRESETS) == {"preset": preset}


@pytest.mark.parametrize(
    "values", [{"steps": "7"}, {"steps": 7.0}, {"step": 7}, {"steps": True}]
)
def test_a_block_is_closed_and_strict(values):
    with pytest.raises(ValidationError):
        Example.model_validate(values)


def test_a_block_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Example().steps = 3
