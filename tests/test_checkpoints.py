import numpy as np
import pytest

from facefill.checkpoints import Checkpoint, CheckpointStore
from facefill.errors import CheckpointError

ORIGIN = {"seed": 1, "faces": "8 of hash ab"}


def checkpoint(step):
    draw = np.random.default_rng(step)
    arrays = {"0000": np.array(step), "0001": draw.random((5, 7), np.float32)}
    return Checkpoint(step, arrays, ORIGIN)


def test_what_is_saved_is_loaded_to_the_bit(tmp_path):
    store = CheckpointStore(tmp_path / "new")
    store.save(checkpoint(7))
    found = store.latest()
    assert found.step == 7
    assert found.origin == ORIGIN
    for name, array in checkpoint(7).arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)


def test_an_empty_or_absent_folder_has_no_checkpoint(tmp_path):
    assert CheckpointStore(tmp_path).latest() is None
    assert CheckpointStore(tmp_path / "absent").latest() is None


def test_the_newest_ones_are_kept(tmp_path):
    store = CheckpointStore(tmp_path, keep=2)
    for step in (5, 10, 15):
        store.save(checkpoint(step))
    assert [int(path.name.split("-")[1]) for path in sorted(tmp_path.iterdir())] == [
        10,
        15,
    ]


def _damage_bit(content, place):
    byte, bit = divmod(place, 8)
    damaged = bytearray(content)
    damaged[byte] ^= 1 << bit
    return bytes(damaged)


def test_every_flipped_bit_is_noticed_and_the_one_before_is_used(tmp_path, caplog):
    store = CheckpointStore(tmp_path, keep=2)
    store.save(checkpoint(5))
    newest = store.save(checkpoint(10))
    content = newest.read_bytes()
    for place in np.random.default_rng(0).integers(0, 8 * len(content), 200):
        newest.write_bytes(_damage_bit(content, int(place)))
        assert store.latest().step == 5
    assert newest.name in caplog.text


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_cut_checkpoint_is_noticed(tmp_path, share):
    store = CheckpointStore(tmp_path)
    store.save(checkpoint(5))
    newest = store.save(checkpoint(10))
    content = newest.read_bytes()
    newest.write_bytes(content[: int(share * len(content))])
    assert store.latest().step == 5


def test_nothing_but_damaged_ones_is_an_error_and_not_a_new_start(tmp_path):
    store = CheckpointStore(tmp_path)
    path = store.save(checkpoint(5))
    path.write_bytes(_damage_bit(path.read_bytes(), 4000))
    with pytest.raises(CheckpointError, match=r"every checkpoint in .* is damaged"):
        store.latest()


def test_litter_of_a_killed_save_is_removed_by_the_next(tmp_path):
    litter = tmp_path / ".writing-abc.tmp"
    litter.write_bytes(b"half")
    CheckpointStore(tmp_path).save(checkpoint(5))
    assert not litter.exists()
