"""Grain of a photo in what was filled: as much, as coarse, and as coloured."""

import cv2
import numpy as np
import pytest

from facefill.imaging.grain import with_grain

SHAPE = (160, 160)


def photo_with_hole(deviation, blur=0.0, colour=(1.0, 1.0, 1.0)):
    """A grey photo with grain, of which the middle was filled without."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=SHAPE).astype(np.float32)
    if blur:
        noise = cv2.GaussianBlur(noise, (0, 0), blur)
        noise /= noise.std()
    grain = deviation * noise[..., None] * np.array(colour)
    filled = np.zeros(SHAPE, bool)
    filled[50:110, 50:110] = True
    values = np.where(filled[..., None], 128.0, 128.0 + grain)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8), filled


def grain_of(photo, chosen):
    return photo[chosen].astype(float) - 128.0


@pytest.mark.parametrize("deviation", [3.0, 8.0])
def test_as_much_grain_is_added_as_the_photo_has(deviation):
    photo, filled = photo_with_hole(deviation)
    result = with_grain(photo, filled, ~filled)
    assert grain_of(result, filled).std() == pytest.approx(deviation, rel=0.25)
    assert np.array_equal(result[~filled], photo[~filled])


def test_the_grain_is_as_coarse_as_that_of_the_photo():
    def neighbours_correlation(photo):
        middle = photo[55:105, 55:105, 0].astype(float) - 128.0
        return np.corrcoef(middle[:, 1:].ravel(), middle[:, :-1].ravel())[0, 1]

    fine, filled = photo_with_hole(6.0)
    coarse, _ = photo_with_hole(6.0, blur=1.0)
    assert abs(neighbours_correlation(with_grain(fine, filled, ~filled))) < 0.25
    assert neighbours_correlation(with_grain(coarse, filled, ~filled)) > 0.4


def test_colours_go_together_as_in_the_photo():
    photo, filled = photo_with_hole(6.0, colour=(1.0, 1.0, 0.2))
    red, green, blue = grain_of(with_grain(photo, filled, ~filled), filled).T
    assert np.corrcoef(red, green)[0, 1] > 0.95
    assert blue.std() < 0.5 * red.std()


def test_a_photo_without_grain_and_a_filling_that_has_it_stay_as_they_are():
    smooth, filled = photo_with_hole(0.0)
    assert np.array_equal(with_grain(smooth, filled, ~filled), smooth)
    rough = smooth.copy()
    rough[filled] = np.random.default_rng(2).integers(90, 160, (filled.sum(), 3))
    assert np.array_equal(with_grain(rough, filled, ~filled), rough)


def test_an_edge_in_the_known_pixels_is_no_grain():
    photo, filled = photo_with_hole(2.0)
    photo[:, :20] = 255 * (np.arange(20)[None, :, None] % 2)
    result = with_grain(photo, filled, ~filled)
    assert grain_of(result, filled).std() < 4.0


def test_the_same_photo_gets_the_same_grain():
    photo, filled = photo_with_hole(5.0)
    first, second = (with_grain(photo, filled, ~filled) for _ in range(2))
    assert np.array_equal(first, second)


def test_nothing_filled_or_nothing_known_changes_nothing():
    photo, filled = photo_with_hole(5.0)
    nothing = np.zeros(SHAPE, bool)
    assert np.array_equal(with_grain(photo, nothing, ~filled), photo)
    assert np.array_equal(with_grain(photo, filled, nothing), photo)
