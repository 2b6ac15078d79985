"""The batch norm of a training computes what Keras's own does."""

import keras
import numpy as np
import pytest
from keras import ops

from facefill.backend import graph
from facefill.models.batch_norm import FusedBatchNormalization
from facefill.models.dcgan import Architecture, build_generator, rebuild
from facefill.parameters import TrainOptions
from facefill.training.trainer import Trainer


@pytest.fixture(scope="module")
def plain():
    """A generator whose norms do something."""
    generator = build_generator(Architecture(16, 4, 8, 4), seed=1)
    draw = np.random.default_rng(1)
    for variable in generator.variables:
        variable.assign(variable + draw.normal(0.0, 0.1, variable.shape))
    for layer in generator.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(draw.uniform(0.5, 2.0, layer.gamma.shape))
    return generator


def pass_of(network, training):
    """Outputs, statistics after them, and the gradient of a loss by each weight."""
    latents = np.random.default_rng(2).uniform(-1, 1, (8, 4)).astype(np.float32)
    wanted = np.random.default_rng(3).uniform(-1, 1, (8, 16, 16, 3)).astype(np.float32)
    weights, statistics = (
        graph.to_device([variable.numpy() for variable in variables])
        for variables in (network.trainable_variables, network.non_trainable_variables)
    )

    def loss(weights):
        made, after = network.stateless_call(
            weights, statistics, latents, training=training
        )
        return (ops.mean(ops.square(made - wanted)),), (made, after)

    (slopes,), (made, after) = graph.gradients(loss, (weights,))
    return graph.to_numpy((made, after, slopes))


@pytest.mark.parametrize("training", [True, False])
def test_outputs_statistics_and_gradients_are_those_of_keras(plain, training):
    fused = rebuild(plain, "float32", "fused")
    kinds = {type(layer) for layer in fused.layers}
    assert FusedBatchNormalization in kinds
    ours, theirs = pass_of(fused, training), pass_of(plain, training)
    pairs = zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True)
    for one, other in pairs:
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_in_bfloat16_moments_stay_float32(plain):
    half = rebuild(plain, "mixed_bfloat16", "fused")
    made, after, _ = pass_of(half, training=True)
    exact, exact_after, _ = pass_of(plain, training=True)
    assert made == pytest.approx(exact, abs=0.05)
    for one, other in zip(after, exact_after, strict=True):
        assert one.dtype == np.float32
        assert one == pytest.approx(other, rel=0.02, abs=0.02)


def test_models_of_a_training_have_layers_of_keras_alone():
    options = TrainOptions(
        batch_size=2, generator_width=4, discriminator_width=4, latent_size=3
    )
    trainer = Trainer(options, 16, seed=1)
    for model in trainer.models(trainer.initial_state()):
        assert all(type(layer).__module__.startswith("keras") for layer in model.layers)
