"""Networks of ours are packed, always as the same bytes, and no others."""

import keras
import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.models.dcgan import (
    Architecture,
    build_discriminator,
    build_generator,
    build_generator_of_widths,
)
from facefill.models.files import ModelPair
from facefill.models.packing import architecture_of, ship

SMALL = Architecture(
    image_size=16, latent_size=6, generator_width=4, discriminator_width=8
)


def trained_pair():
    """Networks whose weights are not those of a beginning."""
    pair = ModelPair(build_generator(SMALL, seed=1), build_discriminator(SMALL, seed=2))
    rng = np.random.default_rng(0)
    for model in pair:
        for variable in model.variables:
            variable.assign(0.1 * rng.random(variable.shape, np.float32))
    return pair


def test_the_same_networks_are_shipped_as_the_same_bytes(tmp_path):
    names = {"generator.npz", "discriminator.npz", "samples.png", "manifest.json"}
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        ship(trained_pair(), folder, steps=7)
        assert {path.name for path in folder.iterdir()} == names
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes()


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_what_networks_were_built_by_is_found_again(norm):
    built = Architecture(16, 6, 4, 8, norm)
    pair = ModelPair(build_generator(built, seed=1), build_discriminator(built, seed=1))
    assert architecture_of(pair) == built


def test_only_networks_of_ours_are_shipped(tmp_path):
    discriminator = build_discriminator(SMALL, seed=1)
    other = build_generator_of_widths(6, [16, 4], seed=1)
    for generator, message in (
        (other, "generator has other layers"),
        (keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)]), "no networks"),
    ):
        with pytest.raises(ModelError, match=message):
            ship(ModelPair(generator, discriminator), tmp_path, steps=1)
    infinite = trained_pair()
    infinite.generator.get_layer("project").kernel.assign(
        np.full(infinite.generator.get_layer("project").kernel.shape, 1e6)
    )
    with pytest.raises(ModelError, match="too large to be packed"):
        ship(infinite, tmp_path, steps=1)
    assert not list(tmp_path.iterdir())
