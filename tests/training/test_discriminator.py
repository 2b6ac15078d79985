"""The discriminator's norm, penalty and augmentation, against closed forms."""

import keras
import numpy as np
import pytest
from keras import ops

from facefill.backend import graph
from facefill.models.dcgan import Architecture, build_discriminator, rebuild
from facefill.parameters import TrainOptions
from facefill.training import augmentation, spectral_norm
from facefill.training.discriminator import DiscriminatorPass

SIZE = 16


def options(**changes):
    return TrainOptions.model_validate({"precision": "float32"} | changes)


def linear():
    pictures = keras.Input((SIZE, SIZE, 3))
    logits = keras.layers.Dense(1)(keras.layers.Flatten()(pictures))
    return keras.Model(pictures, logits)


def network(norm):
    architecture = Architecture(SIZE, 5, 4, 4, norm)
    return build_discriminator(architecture, seed=1)


@pytest.fixture
def batch():
    draw = np.random.default_rng(0)
    photos, pictures = draw.uniform(-1, 1, (2, 4, SIZE, SIZE, 3)).astype(np.float32)
    return photos, pictures, draw.random((2, 4, 7), np.float32)


def test_the_penalty_of_a_linear_discriminator_is_its_squared_weight(batch):
    judge = DiscriminatorPass(linear(), options(r1_weight=10.0, r1_interval=1), seed=1)
    state = judge.initial_state()
    weights = graph.to_device([np.asarray(value) for value in state.weights])
    state = state._replace(weights=weights)
    weight = np.asarray(state.weights[0])
    found = judge.compare(state, batch, ops.convert_to_tensor(0)).penalty
    assert float(found) == pytest.approx(5.0 * np.sum(weight**2), rel=1e-4)

    def loss(weights):
        changed = state._replace(weights=weights)
        return (judge.compare(changed, batch, ops.convert_to_tensor(0)).penalty,), ()

    (found,), _ = graph.gradients(loss, (state.weights,))
    assert np.asarray(found[0]) == pytest.approx(10.0 * weight, rel=1e-4)


def test_a_lazy_penalty_comes_once_in_an_interval_and_counts_as_often(batch):
    each = DiscriminatorPass(linear(), options(r1_weight=2.0, r1_interval=1), seed=1)
    lazy = DiscriminatorPass(linear(), options(r1_weight=2.0, r1_interval=4), seed=1)
    state = each.initial_state()
    expected = float(each.compare(state, batch, ops.convert_to_tensor(0)).penalty)
    found = [
        float(lazy.compare(state, batch, ops.convert_to_tensor(step)).penalty)
        for step in range(9)
    ]
    zeros = [0.0, 0.0, 0.0]
    assert found == pytest.approx(
        [4 * expected, *zeros, 4 * expected, *zeros, found[0]]
    )


@pytest.mark.parametrize("norm", ["none", "spectral"])
def test_the_penalty_of_a_convolutional_one_is_that_by_finite_differences(batch, norm):
    chosen = options(r1_weight=2.0, r1_interval=1, discriminator_norm=norm)
    judge = DiscriminatorPass(network(norm), chosen, seed=1)
    state = judge.initial_state()
    # Larger weights, whose slopes are not lost in rounding.
    state = state._replace(weights=[20.0 * value for value in state.weights])
    photos = batch[0][:1]
    slope = np.zeros(photos.size)

    def logit(shown):
        given = (shown.astype(np.float32), batch[1][: len(shown)], batch[2])
        return np.asarray(judge.compare(state, given, ops.convert_to_tensor(1)).real)

    step = 1e-2
    moves = step * np.eye(photos.size, dtype=np.float32).reshape(-1, SIZE, SIZE, 3)
    for start in range(0, photos.size, 128):
        part = moves[start : start + 128]
        slope[start : start + 128] = (logit(photos + part) - logit(photos - part))[:, 0]
    expected = np.sum((slope / (2 * step)) ** 2)
    found = judge.compare(state, (photos, *batch[1:]), ops.convert_to_tensor(0)).penalty
    assert float(found) == pytest.approx(expected, rel=0.03)


def smooth():
    """A batch norm between layers without a kink, where a penalty would jump."""
    pictures = keras.Input((SIZE, SIZE, 3))
    maps = keras.layers.Conv2D(3, 5, strides=2, padding="same")(pictures)
    maps = keras.layers.BatchNormalization(momentum=0.9)(maps)
    flat = keras.layers.Flatten()(ops.softplus(maps))
    return rebuild(
        keras.Model(pictures, keras.layers.Dense(1)(flat)), "float64", "synchronized"
    )


def test_the_penalty_of_batch_norms_has_the_gradient_by_finite_differences(batch):
    judge = DiscriminatorPass(smooth(), options(r1_weight=2.0, r1_interval=1), seed=1)
    state, step = judge.initial_state(), ops.convert_to_tensor(0)
    photos, pictures = (part.astype(np.float64) for part in batch[:2])
    weights = [np.asarray(value) for value in state.weights]

    def penalties(weights):
        changed = state._replace(weights=weights)
        return (judge.compare(changed, (photos, pictures, ()), step).penalty,), ()

    (found,), _ = graph.gradients(penalties, (graph.to_device(weights),))
    step_size = 1e-4
    # A move may be nearly orthogonal to the gradient: its length sets the scale.
    tolerance = 2e-4 * step_size * np.linalg.norm(found[0])
    draw = np.random.default_rng(1)
    for _ in range(4):
        move = step_size * draw.normal(size=weights[0].shape)
        above, below = (
            float(penalties([weights[0] + sign * move, *weights[1:]])[0][0])
            for sign in (1, -1)
        )
        expected = float(np.sum(np.asarray(found[0]) * move))
        assert 0.5 * (above - below) == pytest.approx(expected, abs=tolerance)


def test_without_a_norm_no_photo_sees_another(batch):
    photos, pictures, draws = batch
    for norm, alone in (("batch", False), ("none", True), ("spectral", True)):
        judge = DiscriminatorPass(
            network(norm), options(discriminator_norm=norm), seed=1
        )
        state, step = judge.initial_state(), ops.convert_to_tensor(0)
        others = np.concatenate([photos[:1], -photos[1:]])
        one = judge.compare(state, (photos, pictures, draws), step).real
        two = judge.compare(state, (others, pictures, draws), step).real
        assert (np.asarray(one)[0] == np.asarray(two)[0]).all() == alone


def test_spectral_norm_is_in_the_weights_that_leave_the_training(batch):
    plain = network("spectral")
    judge = DiscriminatorPass(plain, options(discriminator_norm="spectral"), seed=1)
    state = judge.initial_state()
    vectors = state.statistics
    for _ in range(60):
        _, vectors = spectral_norm.normalized(state.weights, vectors)
    state = state._replace(statistics=vectors)
    verdicts = judge.compare(state, batch, ops.convert_to_tensor(0))
    weights, statistics = judge.effective(state)
    assert statistics == []
    for kernel in (value for value in weights if len(value.shape) > 1):
        matrix = np.asarray(kernel).reshape(-1, kernel.shape[-1])
        largest = np.linalg.svd(matrix, compute_uv=False)[0]
        assert largest == pytest.approx(1.0, rel=2e-2)
    plain.set_weights([np.asarray(value) for value in weights])
    assert np.asarray(plain(batch[0])) == pytest.approx(
        np.asarray(verdicts.real), rel=1e-2
    )


def test_photos_and_pictures_are_varied_each_by_draws_of_its_own(batch):
    photos, pictures, draws = batch
    kinds = ["colour", "translation", "cutout"]
    varied = DiscriminatorPass(linear(), options(augment=kinds), seed=1)
    plain = DiscriminatorPass(linear(), options(), seed=1)
    state, step = varied.initial_state(), ops.convert_to_tensor(0)
    found = varied.compare(state, batch, step)
    expected = plain.compare(
        state,
        (
            augmentation.vary(photos, draws[0], kinds),
            augmentation.vary(pictures, draws[1], kinds),
            (),
        ),
        step,
    )
    assert np.array_equal(found.real, expected.real)
    assert np.array_equal(found.fake, expected.fake)
    assert np.array_equal(varied.logits(state, pictures, draws), found.fake)
    assert not np.array_equal(plain.logits(state, pictures, draws), found.fake)
