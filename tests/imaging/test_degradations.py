import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facefill.imaging.colour import chroma, coloured, grey_picture, luminance
from facefill.imaging.compositing import paste_colour
from facefill.imaging.degradations import (
    DEVIATION,
    Decolorization,
    Denoising,
    Downsampling,
    Inpainting,
    degradation_of,
)
from facefill.imaging.masks import build_mask

SIZE = 16
NOTHING = build_mask("colorize", SIZE)


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


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_an_observation_is_a_linear_map_of_pixels(name):
    seen, mask = degradation_of(name, 25.0), build_mask(name, SIZE)
    one, other = faces(2).astype(np.float32)
    rows = seen.read(np.stack([one, other, 2.0 * one - 0.5 * other]), mask)
    assert rows.dtype == np.float32
    assert rows[2] == pytest.approx(2.0 * rows[0] - 0.5 * rows[1], abs=1e-3)


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_the_variance_of_a_reading_is_that_of_noisy_pixels(name):
    seen, mask = degradation_of(name, 7.0), build_mask(name, SIZE)
    noise = np.random.default_rng(0).normal(0.0, 7.0, (400, SIZE, SIZE, 3))
    found = seen.read(noise, mask).var()
    assert seen.variance(49.0, SIZE) == pytest.approx(found, rel=0.05)


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_what_is_shown_says_the_same_as_the_face(name):
    seen, mask = degradation_of(name, 25.0), build_mask(name, SIZE)
    (face,) = faces(1)
    wanted, had = seen.read(np.stack([face, seen.show(face, mask)]), mask)
    assert np.abs(wanted - had).max() <= 0.51


def test_only_a_mask_leaves_pixels_as_they_are():
    face, fitted = faces(2)
    mask = build_mask("center", SIZE)
    for made in (Inpainting().complete, Inpainting().blend):
        assert np.array_equal(made(face, fitted, mask)[mask], face[mask])
    assert np.array_equal(Downsampling().complete(face, fitted, NOTHING), fitted)
    made = Decolorization().blend(face, fitted, NOTHING)
    assert np.abs(luminance(made) - luminance(face)).max() <= 0.51


def test_a_noisy_face_and_its_fit_are_mixed_by_wieners_share():
    face, fitted = faces(2)
    made = Denoising(DEVIATION).complete(face, fitted, NOTHING)
    assert np.abs(made - (face.astype(float) + fitted) / 2.0).max() <= 0.5
    nearly = Denoising(1e-3).complete(face, fitted, NOTHING)
    assert np.array_equal(nearly, face)


def test_noise_is_added_as_strong_as_it_is_said():
    face = np.full((64, 64, 3), 128, np.uint8)
    noisy = Denoising(20.0).damage(face, np.random.default_rng(0))
    assert (noisy.astype(float) - face).std() == pytest.approx(20.0, rel=0.05)
    assert np.array_equal(Downsampling().damage(face, np.random.default_rng(0)), face)


def test_a_colour_is_pasted_into_the_photo_whose_luminance_and_outside_stay():
    draw = np.random.default_rng(2)
    photo = draw.integers(60, 200, (60, 70, 3), np.uint8)
    matrix = np.array([[0.5, 0.0, -5.0], [0.0, 0.5, -3.0]])
    face = np.full((SIZE, SIZE, 3), (180, 90, 60), np.uint8)
    pasted = paste_colour(photo, face, matrix)
    changed = (pasted != photo).any(axis=2)
    rows, columns = changed.any(axis=1).nonzero()[0], changed.any(axis=0).nonzero()[0]
    assert rows.min() >= 5
    assert rows.max() <= 37
    assert columns.min() >= 9
    assert columns.max() <= 41
    assert np.abs(luminance(pasted) - luminance(photo)).max() <= 0.51
    # Away from the edge it has the colour, and the photo's own is not read.
    middle = np.s_[15:28, 19:32]
    assert np.abs(chroma(pasted[middle]) - chroma(face[0, 0])).max() < 1.5
    again = paste_colour(grey_picture(photo), face, matrix)
    assert np.abs(again[middle].astype(int) - pasted[middle]).max() <= 1


def test_a_face_beyond_its_photo_colours_nothing():
    photo = faces(1)[0]
    matrix = np.array([[1.0, 0.0, 500.0], [0.0, 1.0, 500.0]])
    assert np.array_equal(paste_colour(photo, photo, matrix), photo)
