import numpy as np
import pytest

from facefill.training import losses


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


def test_no_logit_makes_a_loss_infinite():
    extreme = np.array([[1e4], [-1e4]], np.float32)
    assert np.isfinite(losses.generator_loss(extreme))
    assert all(
        np.isfinite(loss) for loss in losses.discriminator_losses(extreme, extreme)
    )


def test_smoothed_labels_are_cross_entropy_with_a_soft_target(logits):
    real, fake = losses.discriminator_losses(logits, -logits, real_label=0.9)
    chance = sigmoid(logits)
    expected = -(0.9 * np.log(chance) + 0.1 * np.log(1.0 - chance)).mean()
    assert float(real) == pytest.approx(expected, rel=1e-5)
    assert float(fake) == float(losses.discriminator_losses(logits, -logits)[1])


def test_the_slope_penalty_is_half_the_mean_squared_length():
    slope = np.random.default_rng(4).normal(size=(5, 4, 4, 3)).astype(np.float32)
    expected = 0.5 * np.mean([np.linalg.norm(each) ** 2 for each in slope])
    assert float(losses.slope_penalty(slope)) == pytest.approx(expected, rel=1e-5)


def test_the_generators_loss_is_minus_log_d(logits):
    expected = -np.log(sigmoid(logits[:, 0])).mean()
    assert float(losses.generator_loss(logits)) == pytest.approx(expected, rel=1e-5)
