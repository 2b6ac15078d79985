import numpy as np
import pytest

from facefill.imaging.colour import chroma, coloured, luminance
from facefill.imaging.pictures import to_float
from facefill.inversion import losses


def sigmoid(values):
    return 1.0 / (1.0 + np.exp(-values))


def test_the_perceptual_loss_is_minus_log_d_of_each_picture():
    logits = np.random.default_rng(0).normal(0, 2, (6, 1)).astype(np.float32)
    expected = -np.log(sigmoid(logits[:, 0]))
    found = np.asarray(losses.perceptual_loss(logits))
    assert found == pytest.approx(expected, rel=1e-5)


def test_contextual_loss_sums_known_differences_of_each_picture():
    draw = np.random.default_rng(1)
    one, two = draw.uniform(-1, 1, (2, 3, 4, 4, 3)).astype(np.float32)
    known = draw.random((3, 4, 4, 1)) < 0.5
    expected = [
        sum(
            abs(one[n, y, x, c] - two[n, y, x, c])
            for y in range(4)
            for x in range(4)
            for c in range(3)
            if known[n, y, x, 0]
        )
        for n in range(3)
    ]
    found = losses.contextual_loss(one, two, known.astype(np.float32))
    assert np.asarray(found) == pytest.approx(expected, rel=1e-5)


def test_coarse_contextual_loss_compares_means_of_blocks():
    draw = np.random.default_rng(2)
    one, two = draw.uniform(-1, 1, (2, 2, 8, 8, 3)).astype(np.float32)
    blocks = (one - two).reshape(2, 2, 4, 2, 4, 3).mean(axis=(2, 4))
    found = losses.coarse_contextual_loss(one, two, 4)
    assert np.asarray(found) == pytest.approx(
        np.abs(blocks).sum(axis=(1, 2, 3)), rel=1e-5
    )


def test_the_grey_loss_is_zero_for_any_colouring_of_the_true_picture():
    one, other = np.random.default_rng(3).integers(0, 256, (2, 8, 8, 3), np.uint8)
    same = coloured(luminance(one), chroma(other))
    shown, true = to_float(np.stack([one, same, other])), to_float(np.stack([one] * 3))
    found = np.asarray(losses.grey_contextual_loss(shown, true))
    assert found[0] == 0.0
    # A grey level is 1 / 127.5 here, and colours are whole numbers of them.
    assert found[1] <= 8 * 8 * 0.51 / 127.5
    apart = np.abs(luminance(other) - luminance(one)).sum() / 127.5
    assert found[2] == pytest.approx(apart, rel=1e-4)
