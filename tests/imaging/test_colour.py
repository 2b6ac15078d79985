"""Luminance, chroma, and photos of one tone."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facefill.imaging.colour import (
    chroma,
    coloured,
    grey_picture,
    is_plain,
    luminance,
    tone_curve,
    toned,
)
from photos import face_photo, noise

KNOWN = np.ones(face_photo().shape[:2], bool)


def grey():
    return np.repeat(
        np.round(luminance(face_photo())).astype(np.uint8)[..., None], 3, -1
    )


def sepia():
    shares = grey()[..., 0] / 255.0
    return np.stack(
        [255 * shares**0.8, 240 * shares, 200 * shares**1.2], axis=-1
    ).astype(np.uint8)


def through_jpeg(photo):
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=75)
    return np.array(Image.open(stream))


def test_a_grey_photo_is_filled_with_three_equal_channels():
    curve = tone_curve(grey(), KNOWN)
    filled = toned(face_photo(), curve)
    assert np.array_equal(filled[..., 0], filled[..., 1])
    assert np.array_equal(filled[..., 0], filled[..., 2])
    assert np.abs(filled[..., 0] - luminance(face_photo())).max() <= 1


@pytest.mark.parametrize("photo", [sepia(), through_jpeg(sepia())])
def test_a_sepia_photo_stays_sepia(photo):
    curve = tone_curve(photo, KNOWN)
    assert np.abs(toned(photo, curve).astype(int) - photo).mean() < 2


@pytest.mark.parametrize("photo", [face_photo(), through_jpeg(face_photo())])
def test_a_photo_of_colours_has_no_curve(photo):
    assert tone_curve(photo, KNOWN) is None


def test_what_is_hidden_says_nothing_about_the_tone():
    photo, known = grey(), KNOWN.copy()
    colours = np.random.default_rng(0).integers(0, 256, (60, 60, 3))
    photo[50:110, 60:120] = colours
    known[50:110, 60:120] = False
    assert tone_curve(photo, KNOWN) is None
    assert np.array_equal(tone_curve(photo, known), tone_curve(grey(), known))
    assert tone_curve(photo, np.zeros_like(known)) is None


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


def test_one_coloured_corner_between_the_pixels_that_are_looked_at_first_has_colours():
    photo = np.repeat(np.repeat(grey(), 2, axis=0), 2, axis=1)
    corner = np.zeros(photo.shape[:2], bool)
    corner[: len(photo) // 3, : len(photo) // 3] = True
    corner.ravel()[:: corner.size // 8192 + 1] = False
    known = np.ones_like(corner)
    assert tone_curve(photo, known) is not None
    photo[corner] = np.random.default_rng(0).integers(0, 256, (corner.sum(), 3))
    assert tone_curve(photo, known) is None


@pytest.mark.parametrize(("strange", "expected"), [(5, True), (15, False)])
def test_a_background_is_plain_if_one_pixel_in_ten_at_most_is_of_another_colour(
    strange, expected
):
    pixels = np.full((100, 3), 120, np.uint8) + noise(10, 10).reshape(100, 3) // 16
    pixels[:strange] = (120, 60, 120)
    assert is_plain(pixels) == expected


def test_of_no_pixels_none_is_plain():
    assert not is_plain(np.zeros((0, 3), np.uint8))
