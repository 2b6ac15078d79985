import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facefill.imaging.colour import chroma, coloured, grey_picture, luminance

SIZE = 16


def faces(count=3, seed=0):
    shape = (count, SIZE, SIZE, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_luminance_is_that_of_pillow_but_for_rounding():
    (face,) = faces(1)
    grey = np.asarray(Image.fromarray(face).convert("L"))
    assert np.abs(luminance(face) - grey).max() <= 0.51
    assert np.array_equal(grey_picture(face)[..., 0], np.round(luminance(face)))


@settings(deadline=None)
@given(st.integers(0, 99))
def test_a_coloured_picture_keeps_its_luminance_whatever_the_colour(seed):
    grey = luminance(faces(1, seed)[0])
    colour = np.random.default_rng(seed).normal(0.0, 120.0, (SIZE, SIZE, 3))
    made = coloured(grey, chroma(colour.astype(np.float32)))
    assert np.abs(luminance(made) - grey).max() <= 0.51


def test_a_picture_is_its_luminance_and_its_chroma():
    (face,) = faces(1)
    assert np.array_equal(coloured(luminance(face), chroma(face)), face)
    assert np.abs(luminance(chroma(face))).max() < 1e-4
