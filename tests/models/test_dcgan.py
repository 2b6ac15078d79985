import numpy as np
import pytest

from facefill.models.dcgan import (
    Architecture,
    build_discriminator,
    build_generator,
    rebuild,
)


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_both_networks_take_and_make_pictures_of_every_size(size):
    architecture = Architecture(size, 10, generator_width=2, discriminator_width=2)
    pictures = build_generator(architecture, seed=1)(np.zeros((3, 10), np.float32))
    logits = build_discriminator(architecture, seed=1)(pictures)
    assert pictures.shape == (3, size, size, 3)
    assert logits.shape == (3, 1)


def test_default_widths_are_those_of_the_reference():
    generator = build_generator(Architecture(), seed=1)
    discriminator = build_discriminator(Architecture(), seed=1)
    enlarging = [layer.filters for layer in generator.layers if "enlarge" in layer.name]
    reducing = [
        layer.filters for layer in discriminator.layers if "reduce" in layer.name
    ]
    assert generator.get_layer("reshape").output.shape == (None, 4, 4, 512)
    assert enlarging == [256, 128, 64]
    assert reducing == [64, 128, 256, 512]
    # Dense 100x8192; 5x5 kernels; the last has a bias; norms of 4 values a map.
    kernels = 25 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3)
    norms = 4 * (512 + 256 + 128 + 64)
    assert generator.count_params() == 100 * 8192 + kernels + 3 + norms


def test_weights_are_drawn_with_the_deviation_of_the_reference():
    kernel = build_generator(Architecture(), seed=1).get_layer("enlarge_1").kernel
    assert float(np.std(kernel)) == pytest.approx(0.02, rel=0.01)
    assert float(np.mean(kernel)) == pytest.approx(0.0, abs=1e-4)


def test_the_seed_fixes_the_weights_and_no_two_layers_share_them():
    small = Architecture(16, 10, 4, 4)
    first, again = (build_generator(small, seed=1).get_weights() for _ in range(2))
    other = build_generator(small, seed=2).get_weights()
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    generator = build_generator(Architecture(16, 8, 8, 8), seed=1)
    flat = [np.ravel(weights)[:50] for weights in generator.get_weights()]
    kernels = [values for values in flat if values.std() > 0.01]
    assert len({values.tobytes() for values in kernels}) == len(kernels)


def test_a_rebuilt_network_computes_the_same_in_another_precision():
    small = Architecture(16, 10, 4, 4)
    generator = build_generator(small, seed=1)
    latents = np.random.default_rng(0).uniform(-1, 1, (4, 10)).astype(np.float32)
    expected = np.asarray(generator(latents))
    same = np.asarray(rebuild(generator, "float32")(latents))
    half = rebuild(generator, "mixed_bfloat16")(latents)
    assert np.array_equal(same, expected)
    assert half.dtype == "float32"
    assert not np.array_equal(np.asarray(half), expected)
    assert np.asarray(half) == pytest.approx(expected, abs=0.02)
