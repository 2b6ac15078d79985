import numpy as np
import pytest

from facefill import augmentation, losses
from facefill.images import to_float


def sigmoid(values):
    return 1.0 / (1.0 + np.exp(-values))


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(0, 2, (6, 1)).astype(np.float32)


def test_discriminator_losses_are_cross_entropies_with_photos_as_one(logits):
    real, fake = losses.discriminator_losses(logits, -logits)
    assert float(real) == pytest.approx(-np.log(sigmoid(logits)).mean(), rel=1e-5)
    assert float(fake) == pytest.approx(
        -np.log(1.0 - sigmoid(-logits)).mean(), rel=1e-5
    )


def test_generator_and_perceptual_losses_are_minus_log_d(logits):
    expected = -np.log(sigmoid(logits[:, 0]))
    assert float(losses.generator_loss(logits)) == pytest.approx(
        expected.mean(), rel=1e-5
    )
    assert np.asarray(losses.perceptual_loss(logits)) == pytest.approx(
        expected, rel=1e-5
    )


def test_no_logit_makes_a_loss_infinite():
    extreme = np.array([[1e4], [-1e4]], np.float32)
    assert np.isfinite(losses.generator_loss(extreme))
    assert all(
        np.isfinite(loss) for loss in losses.discriminator_losses(extreme, extreme)
    )


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


def test_pictures_reach_the_network_in_the_same_range_on_device_and_in_numpy():
    values = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    on_device = np.asarray(augmentation.to_network_range(values))
    assert on_device == pytest.approx(to_float(values), abs=1e-6)
    assert on_device.min() == -1.0
    assert on_device.max() == 1.0


def test_flip_mirrors_only_the_chosen_pictures():
    pictures = np.random.default_rng(3).random((3, 4, 4, 3)).astype(np.float32)
    flipped = np.asarray(augmentation.flip(pictures, np.array([True, False, True])))
    assert np.array_equal(flipped[0], pictures[0, :, ::-1])
    assert np.array_equal(flipped[1], pictures[1])
    assert np.array_equal(flipped[2], pictures[2, :, ::-1])
