"""States and batches are nested arrays that can be cut and put into networks."""

import numpy as np
import pytest

from facefill.models.dcgan import Architecture, build_generator
from facefill.training.state import Batch, assign, initial_network_state

NETWORK = Architecture(16, 5, 2, 2)


@pytest.mark.parametrize("has_draws", [False, True])
def test_parts_of_a_stack_are_the_whole_each_batch_cut_alike(has_draws):
    rng = np.random.default_rng(0)
    stack = Batch(
        images=rng.integers(0, 256, (3, 6, 4, 4, 3), np.uint8),
        latents=rng.random((3, 6, 5)),
        flips=rng.random((3, 6)) < 0.5,
        draws=rng.random((3, 2, 6, 7)) if has_draws else (),
    )
    parts = [stack.part(index, 2) for index in range(2)]
    for name, axis in (("images", 1), ("latents", 1), ("flips", 1), ("draws", 2)):
        values = [getattr(part, name) for part in parts]
        if name == "draws" and not has_draws:
            assert values == [(), ()]
            continue
        assert np.array_equal(np.concatenate(values, axis), getattr(stack, name))


def test_a_network_begins_with_moments_of_zero_and_takes_other_values():
    one, other = (build_generator(NETWORK, seed=seed) for seed in (1, 2))
    state = initial_network_state(one)
    assert all(not np.any(value) for pair in state.moments for value in pair)
    assert len(state.moments) == len(state.weights)
    assign(other, state.weights, state.statistics)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)
