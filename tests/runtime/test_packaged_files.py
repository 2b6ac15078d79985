"""Packaged files are read by their hash; arrays of 8 bits lose half a level."""

import hashlib

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.runtime.packaged_files import (
    from_eight_bits,
    read_description,
    read_packaged,
    to_eight_bits,
)


@pytest.mark.parametrize("shape", [(3,), (3, 7), (3, 5, 4, 3)])
def test_eight_bits_are_half_a_level_from_the_array(shape):
    array = np.random.default_rng(0).normal(size=shape) * 10.0 ** np.arange(3).reshape(
        -1, *[1] * (len(shape) - 1)
    )
    levels, scales = to_eight_bits(array)
    again = from_eight_bits(levels, scales)
    assert levels.dtype == np.int8
    assert again.dtype == np.float32
    for entry, of_array, scale in zip(again, array, scales, strict=True):
        assert scale == np.float32(np.abs(of_array).max())
        assert np.abs(entry - of_array).max() <= 0.501 * scale / 127.0


def test_only_the_file_of_that_hash_is_read(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(ModelError, match="cannot be read"):
        read_packaged(path, "0" * 64)
    path.write_bytes(b"content")
    assert read_packaged(path, hashlib.sha256(b"content").hexdigest()) == b"content"
    with pytest.raises(ModelError, match="not the file that was shipped"):
        read_packaged(path, "0" * 64)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"sha256'])
def test_a_damaged_description_is_said_with_the_cure(tmp_path, content):
    path = tmp_path / "model.json"
    assert read_description(path) is None
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"is damaged .* install facefill again"):
        read_description(path)
