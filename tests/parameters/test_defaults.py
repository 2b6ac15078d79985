"""Defaults that stand once are those of the parameters and of the functions."""

import inspect

import pytest

from facefill.datasets import FaceArrayDataset
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import decode_photo, read_photo
from facefill.parameters import CompleteOptions, IngestOptions, defaults
from facefill.preparation.face_set import write_face_set


def default_of(function, name):
    return inspect.signature(function).parameters[name].default


@pytest.mark.parametrize("name", ["center_scale", "random_fraction", "strokes"])
def test_masks_are_as_large_as_the_parameters_say(name):
    default = getattr(defaults, name.upper())

    assert default_of(build_mask, name) == default
    assert getattr(CompleteOptions(), name) == default


def test_photos_have_one_limit():
    assert IngestOptions().max_pixels == defaults.MAX_PIXELS == 25_000_000
    assert IngestOptions().max_bytes == defaults.MAX_BYTES
    for function in (read_photo, decode_photo):
        assert default_of(function, "max_pixels") == defaults.MAX_PIXELS


def test_arrays_of_faces_have_one_length():
    for function in (FaceArrayDataset, write_face_set):
        assert default_of(function, "faces_per_file") == defaults.FACES_PER_FILE


def test_the_expectation_of_a_face_has_one_noise():
    assert CompleteOptions().fit_noise == defaults.FIT_NOISE
