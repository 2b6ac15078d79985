import numpy as np
import pytest

from facefill.imaging.pictures import to_uint8
from facefill.models.dcgan import Architecture, build_generator
from facefill.models.generation import generate, run_network


@pytest.fixture(scope="module")
def generator():
    return build_generator(Architecture(16, 8, 4, 4), seed=1)


def latents(count):
    return np.random.default_rng(0).uniform(-1, 1, (count, 8)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 130])
def test_any_number_of_latents_has_its_pictures(generator, count):
    pictures = generate(generator, latents(count))
    expected = to_uint8(np.asarray(generator(latents(count), training=False)))
    assert pictures.dtype == np.uint8
    assert np.abs(pictures.astype(int) - expected).max() <= 1


def test_a_network_is_given_full_batches(generator):
    sizes = []

    def network(inputs, training):
        assert not training
        sizes.append(len(inputs))
        return generator(inputs, training=False)

    outputs = run_network(network, latents(10), 4)
    assert sizes == [4, 4, 4]
    assert np.array_equal(outputs[8:], run_network(network, latents(10)[8:], 4))
