"""What the discriminator sees, against the same written with numpy's slices."""

import numpy as np
import pytest
from keras import ops

from facefill.backend import graph
from facefill.imaging.pictures import to_float
from facefill.training import augmentation

SIZE = 16


def pictures(count=6):
    draw = np.random.default_rng(3)
    return draw.uniform(-1, 1, (count, SIZE, SIZE, 3)).astype(np.float32)


def draws(count=6, seed=4):
    return np.random.default_rng(seed).random(
        (count, augmentation.NUM_DRAWS), np.float32
    )


def test_pictures_reach_the_network_in_the_same_range_on_device_and_in_numpy():
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    on_device = np.asarray(augmentation.to_network_range(values))
    assert on_device == pytest.approx(to_float(values), abs=1e-6)
    assert on_device.min() == -1.0
    assert on_device.max() == 1.0


def test_flip_mirrors_only_the_chosen_pictures():
    given = pictures(3)
    flipped = np.asarray(augmentation.flip(given, np.array([True, False, True])))
    assert np.array_equal(flipped[0], given[0, :, ::-1])
    assert np.array_equal(flipped[1], given[1])
    assert np.array_equal(flipped[2], given[2, :, ::-1])


def test_colour_changes_brightness_then_saturation_then_contrast():
    found = np.asarray(augmentation.vary(pictures(), draws(), ["colour"]))
    for given, ours, numbers in zip(pictures(), found, draws(), strict=True):
        picture = given + (numbers[0] - 0.5)
        grey = picture.mean(axis=2, keepdims=True)
        picture = (picture - grey) * (2.0 * numbers[1]) + grey
        picture = (picture - picture.mean()) * (numbers[2] + 0.5) + picture.mean()
        assert ours == pytest.approx(picture, abs=1e-5)


def test_translation_moves_whole_pixels_and_lets_zeros_in():
    found = np.asarray(augmentation.vary(pictures(), draws(), ["translation"]))
    moved = 0
    for given, ours, numbers in zip(pictures(), found, draws(), strict=True):
        down, right = np.floor(numbers[3:5] * 5).astype(int) - 2
        padded = np.pad(given, ((2, 2), (2, 2), (0, 0)))
        top, left = 2 - down, 2 - right
        assert np.array_equal(ours, padded[top : top + SIZE, left : left + SIZE])
        moved += (down, right) != (0, 0)
    assert moved > 3


def test_every_shift_up_to_an_eighth_occurs_equally_often():
    marked = np.zeros((2000, SIZE, SIZE, 3), np.float32)
    marked[:, 8, 8] = 1.0
    found = np.asarray(augmentation.vary(marked, draws(2000), ["translation"]))
    _, rows, columns, _ = np.nonzero(found[..., :1])
    for places in (rows, columns):
        counts = np.bincount(places, minlength=SIZE)
        assert set(np.flatnonzero(counts)) == {6, 7, 8, 9, 10}
        assert counts[6:11].min() > 300  # 400 expected, standard deviation 18


def test_cutout_blanks_a_square_of_half_the_side_that_may_reach_over_the_edge():
    found = np.asarray(augmentation.vary(pictures(), draws(), ["cutout"]))
    for given, ours, numbers in zip(pictures(), found, draws(), strict=True):
        row, column = np.floor(numbers[5:7] * (SIZE + 1)).astype(int) - SIZE // 4
        expected = given.copy()
        expected[
            max(row, 0) : max(row + SIZE // 2, 0),
            max(column, 0) : max(column + SIZE // 2, 0),
        ] = 0.0
        assert np.array_equal(ours, expected)


@pytest.mark.parametrize("kind", ["colour", "translation", "cutout"])
def test_each_variation_has_numbers_of_its_own_and_is_differentiable(kind):
    towards = np.random.default_rng(9).normal(size=pictures().shape).astype(np.float32)

    def score(shown):
        return ops.sum(augmentation.vary(shown, draws(), [kind]) * towards)

    slope = np.asarray(graph.input_gradient(score, graph.to_device(pictures())))
    step = np.random.default_rng(10).normal(size=slope.shape).astype(np.float32)
    # All three are affine in the picture, so the difference is exact.
    difference = float(score(pictures() + step)) - float(score(pictures()))
    assert (slope * step).sum() == pytest.approx(difference, rel=1e-3, abs=0.05)
    other = np.asarray(augmentation.vary(pictures(), draws(seed=5), [kind]))
    assert not np.array_equal(other, augmentation.vary(pictures(), draws(), [kind]))


def test_several_variations_are_done_in_one_order():
    both = augmentation.vary(pictures(), draws(), ["cutout", "colour"])
    first = augmentation.vary(pictures(), draws(), ["colour"])
    assert np.array_equal(both, augmentation.vary(first, draws(), ["cutout"]))
    assert augmentation.vary(pictures(), draws(), []) is not None
