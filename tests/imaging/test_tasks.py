from typing import get_args

import numpy as np
import pytest

from facefill.errors import MaskError
from facefill.imaging.degradations import (
    Decolorization,
    Denoising,
    Downsampling,
    Inpainting,
)
from facefill.imaging.masks import build_mask
from facefill.imaging.tasks import task_of
from facefill.parameters import CompleteOptions, MaskName

OPTIONS = CompleteOptions(center_scale=0.1, random_fraction=0.6, strokes=2, noise=7.0)


@pytest.mark.parametrize("name", get_args(MaskName))
@pytest.mark.parametrize("size", [16, 64])
def test_the_mask_of_every_task_is_a_square_of_bools(name, size):
    mask = task_of(name, size, OPTIONS).mask
    assert mask.shape == (size, size)
    assert mask.dtype == np.bool_


@pytest.mark.parametrize(
    ("name", "degradation"),
    [
        ("lowres", Downsampling()),
        ("denoise", Denoising(7.0)),
        ("colorize", Decolorization()),
    ],
)
def test_what_has_no_hole_leaves_no_pixel_known_as_it_is(name, degradation):
    task = task_of(name, 16, OPTIONS)
    assert not task.mask.any()
    assert task.degradation == degradation


@pytest.mark.parametrize("name", ["center", "random", "pattern", "strokes", "full"])
def test_a_hole_is_that_of_the_options_and_the_seed(name):
    task = task_of(name, 32, OPTIONS, seed=3)
    shape = {"center_scale": 0.1, "random_fraction": 0.6, "strokes": 2}
    assert np.array_equal(task.mask, build_mask(name, 32, seed=3, **shape))
    assert task.degradation == Inpainting()


def test_an_unknown_name_is_refused_with_all_that_there_are():
    with pytest.raises(MaskError, match=r"'heart'.*center.*lowres.*full"):
        task_of("heart", 16, OPTIONS)
