"""Every choice is typed once, and is what code can do."""

import re
from typing import get_args

import pytest

from facefill.imaging.geometry import LANDMARK_INDICES
from facefill.imaging.tasks import task_of
from facefill.models.files import ModelPair
from facefill.parameters import (
    COMPLETE_PRESETS,
    TRAIN_PRESETS,
    CompleteOptions,
    choices,
)
from projects import ROOT

# Of names that no parameter offers.
NOT_CHOSEN = {
    "models/dcgan.py",
    "models/packing.py",
    "models/pretrained.py",
    "backend/devices.py",
}


def test_no_other_module_types_a_choice_again():
    source = ROOT / "src/facefill"
    typed = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(r"\bLiteral\[", path.read_text(encoding="utf-8"))
    }

    assert typed - NOT_CHOSEN == {"parameters/choices.py"}


@pytest.mark.parametrize("name", get_args(choices.MaskName))
def test_every_mask_can_be_built(name):
    assert task_of(name, 16, CompleteOptions()).mask.shape == (16, 16)


def test_every_landmark_set_has_its_points():
    assert set(get_args(choices.LandmarkSet)) == set(LANDMARK_INDICES)


@pytest.mark.parametrize("presets", [COMPLETE_PRESETS, TRAIN_PRESETS])
def test_every_preset_is_there(presets):
    assert set(get_args(choices.Preset)) == set(presets)


def test_a_choice_of_models_is_a_source_or_left_to_facefill():
    assert set(get_args(choices.ModelChoice)) == {"auto", *get_args(choices.Source)}
    assert get_args(choices.Network) == ModelPair._fields
