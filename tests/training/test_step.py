"""A step updates what its options say, and no more."""

import numpy as np
import pytest
from keras import ops

from facefill.backend import graph
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.parameters import TrainOptions
from facefill.training.discriminator import DiscriminatorPass
from facefill.training.state import TrainState, initial_network_state
from facefill.training.step import METRICS, GanStep

SIZE = 16
NETWORKS = Architecture(SIZE, 5, 4, 4)


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    photos = rng.uniform(-1, 1, (4, SIZE, SIZE, 3)).astype(np.float32)
    return photos, rng.uniform(-1, 1, (4, 5)).astype(np.float32), ()


def taken(inputs, **changes):
    """Take a step; the state before it and what it returns."""
    options = TrainOptions.model_validate({"precision": "float32"} | changes)
    generator = build_generator(NETWORKS, seed=1)
    judge = DiscriminatorPass(build_discriminator(NETWORKS, seed=1), options, seed=1)
    step = GanStep(generator, judge, options)
    state = TrainState(
        step=ops.convert_to_tensor(0),
        generator=initial_network_state(generator),
        discriminator=judge.initial_state(),
        average=[],
    )
    return step, state, graph.compiled(step.step, "cpu")(state, inputs)


def moved(before, after):
    return np.array(
        [
            np.abs(np.asarray(new) - np.asarray(old)).max()
            for old, new in zip(before.weights, after.weights, strict=True)
        ]
    )


@pytest.mark.parametrize("order", ["simultaneous", "alternating"])
def test_both_networks_move_by_a_learning_rate_an_update(inputs, order):
    changes = {"update_order": order, "learning_rate": 1e-3}
    step, state, (generator, discriminator, metrics) = taken(
        inputs, generator_updates=2, discriminator_learning_rate=1e-4, **changes
    )
    assert moved(state.discriminator, discriminator).max() == pytest.approx(
        1e-4, rel=0.01
    )
    # From the second update on Adam may take a little more than its rate.
    assert 1e-3 < moved(state.generator, generator).max() < 2.2e-3
    assert step.metrics == METRICS
    assert np.asarray(metrics).shape == (len(METRICS),)


def test_the_record_holds_losses_and_mean_outputs(inputs):
    _, _, (_, _, metrics) = taken(inputs)
    record = dict(zip(METRICS, np.asarray(metrics).tolist(), strict=True))
    # Logits begin near 0, so that each loss is near log 2 and each output near 1/2.
    for name in ("loss_real", "loss_fake", "loss_generator"):
        assert record[name] == pytest.approx(np.log(2.0), abs=0.1)
    for name in ("d_real", "d_fake"):
        assert record[name] == pytest.approx(0.5, abs=0.05)


def test_a_penalty_is_recorded_where_there_is_one(inputs):
    step, _, (_, _, metrics) = taken(
        inputs, r1_weight=10.0, r1_interval=1, discriminator_norm="batch"
    )
    assert step.metrics == (*METRICS, "penalty")
    assert np.asarray(metrics)[-1] > 0.0
