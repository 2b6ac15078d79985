"""Files of encoders, which name the generator that they belong to."""

import io

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.models.companions import Companions
from facefill.models.dcgan import build_encoder
from facefill.models.encoders import (
    ENCODER_FILE,
    TrainedEncoder,
    read_encoder,
)

SHA256 = "ab" * 32


def encoder(seed=3):
    return TrainedEncoder(build_encoder(16, 5, 4, seed=seed), SHA256)


def test_a_file_gives_back_the_weights_and_the_generator(tmp_path):
    made = encoder()
    (tmp_path / ENCODER_FILE).write_bytes(made.packed())
    read = read_encoder(tmp_path)
    assert read.generator_sha256 == SHA256
    assert read.fingerprint == made.fingerprint
    assert read.packed() == made.packed() == encoder().packed()
    seen = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 4)).astype(np.float32)
    assert np.array_equal(np.asarray(read.network(seen)), made.network(seen))


def test_no_file_is_no_encoder(tmp_path):
    assert read_encoder(tmp_path / "absent") is None


@pytest.mark.parametrize("place", [40, 3000, -30])
def test_a_damaged_file_is_refused_by_name(tmp_path, place):
    content = bytearray(encoder().packed())
    content[place] ^= 0xFF
    (tmp_path / ENCODER_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"encoder\.npz is damaged .*pipeline=train"):
        read_encoder(tmp_path)


def test_a_whole_file_of_other_weights_is_refused(tmp_path):
    with np.load(io.BytesIO(encoder().packed())) as archive:
        arrays = dict(archive)
    name = next(name for name in arrays if name.endswith("kernel"))
    arrays[name] = arrays[name] + np.float32(1e-3)
    np.savez(tmp_path / ENCODER_FILE, **arrays)
    with pytest.raises(ModelError, match="not those that were written"):
        read_encoder(tmp_path)


def test_an_encoder_with_the_layers_of_another_version_is_said_to_be_one(tmp_path):
    with np.load(io.BytesIO(encoder().packed())) as archive:
        arrays = dict(archive)
    name = next(name for name in arrays if name.endswith("kernel"))
    np.savez(tmp_path / ENCODER_FILE, **arrays | {name: arrays[name][..., :1]})
    with pytest.raises(ModelError, match=r"another version.*pipeline=train"):
        read_encoder(tmp_path)
    del arrays[name]
    np.savez(tmp_path / ENCODER_FILE, **arrays)
    with pytest.raises(ModelError, match=r"another version.*pipeline=train"):
        read_encoder(tmp_path)


def test_another_encoder_is_another_companion():
    alone, one, other = (
        Companions(),
        Companions(encoder=encoder(1)),
        Companions(encoder=encoder(2)),
    )
    assert len({each.fingerprint for each in (alone, one, other)}) == 3
    assert Companions(encoder=encoder(1)).fingerprint == one.fingerprint
