"""Model files are read with care, and refused by name."""

import time
import zipfile

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.models.files import (
    ModelPair,
    read_model,
    read_pair,
    weights_sha256,
    write_model,
)

# Keras's own warning, when it writes an array.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")

SMALL = Architecture(
    image_size=16, latent_size=6, generator_width=2, discriminator_width=2
)


@pytest.fixture
def pair():
    return ModelPair(build_generator(SMALL, seed=1), build_discriminator(SMALL, seed=2))


@pytest.fixture
def folder(pair, tmp_path):
    for name, model in zip(("generator", "discriminator"), pair, strict=True):
        model.save(tmp_path / f"{name}.keras")
    return tmp_path


def test_a_pair_comes_back_with_its_weights(pair, folder):
    for given, read in zip(pair, read_pair(folder), strict=True):
        assert weights_sha256(read) == weights_sha256(given)


@pytest.mark.parametrize("name", ["generator", "discriminator"])
def test_what_is_missing_is_named_with_the_cure(folder, name):
    (folder / f"{name}.keras").unlink()
    with pytest.raises(ModelError, match=rf"no model at .*{name}\.keras; train one"):
        read_pair(folder, "train one")


@pytest.mark.parametrize("damage", ["cut", "changed", "text"])
def test_a_damaged_file_is_refused(folder, damage):
    path = folder / "generator.keras"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "changed":
        content[len(content) // 2] ^= 1
    else:
        content[:] = b"no model"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"generator\.keras"):
        read_model(path)


def test_networks_of_other_sizes_are_refused_with_both(pair):
    pair.require_sizes(16, 6)
    with pytest.raises(ModelError, match="have image_size 16, but it is set to 32"):
        pair.require_sizes(32, 6)
    with pytest.raises(ModelError, match=r"train\.latent_size 6, but it is set to 7"):
        pair.require_sizes(16, 7)
    larger = build_discriminator(Architecture(32, 6, 2, 2), seed=1)
    with pytest.raises(ModelError, match="have image_size 32, but it is set to 16"):
        ModelPair(pair.generator, larger).require_sizes(16, 6)


def test_one_changed_weight_is_another_hash(pair):
    before = weights_sha256(pair.generator)
    weights = pair.generator.get_weights()
    weights[0].flat[0] = np.nextafter(weights[0].flat[0], 1.0, dtype=np.float32)
    pair.generator.set_weights(weights)
    assert weights_sha256(pair.generator) != before


def test_a_model_is_written_whatever_the_clock_says(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1.6e8)  # in 1975
    path = tmp_path / "new" / "generator.keras"
    write_model(pair.generator, path)
    assert weights_sha256(read_model(path)) == weights_sha256(pair.generator)
    with zipfile.ZipFile(path) as archive:
        stamps = {member.date_time for member in archive.infolist()}
    assert stamps == {(1980, 1, 1, 0, 0, 0)}
