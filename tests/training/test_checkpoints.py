import hashlib
import io
import os
import shutil

import numpy as np
import pytest

from facefill.errors import CheckpointError
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from projects import ROOT

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
    assert found.fingerprint == ORIGIN
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


@pytest.fixture
def trained(tmp_path):
    """Two checkpoints of a real training, after 4 and 8 steps."""
    for path in (ROOT / "tests" / "golden").glob("step-*.npz"):
        shutil.copy(path, tmp_path)
    store = CheckpointStore(tmp_path)
    assert store.latest().step == 8
    return store, max(tmp_path.iterdir())


def test_every_flipped_bit_is_noticed_and_the_one_before_is_used(trained, caplog):
    store, newest = trained
    content = newest.read_bytes()
    for place in np.random.default_rng(0).integers(0, 8 * len(content), 200):
        newest.write_bytes(_damage_bit(content, int(place)))
        assert store.latest().step == 4
    assert caplog.text.count(newest.name) == 200


def test_every_cut_is_noticed_and_the_one_before_is_used(trained):
    store, newest = trained
    content = newest.read_bytes()
    lengths = np.random.default_rng(1).integers(0, len(content), 48)
    for length in [0, *lengths.tolist(), len(content) - 1]:
        newest.write_bytes(content[:length])
        assert store.latest().step == 4


def test_checkpoints_whose_files_were_swapped_or_lost_are_noticed(trained):
    store, newest = trained
    older = min(newest.parent.iterdir())
    swapped = older.read_bytes(), newest.read_bytes()
    older.write_bytes(swapped[1])
    newest.write_bytes(swapped[0])
    with pytest.raises(CheckpointError, match="every checkpoint"):
        store.latest()
    older.write_bytes(swapped[0])
    newest.unlink()
    assert store.latest().step == 4


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


def test_the_best_one_outlives_the_newest_and_is_replaced_by_a_better(tmp_path):
    store = CheckpointStore(tmp_path, keep=1)
    assert store.best() is None
    store.save(checkpoint(5))
    store.keep_best(5)
    store.save(checkpoint(10))
    assert (store.latest().step, store.best().step) == (10, 5)
    store.keep_best(10)
    store.save(checkpoint(15))
    assert [path.name[:13] for path in sorted(tmp_path.iterdir())] == [
        "best-00000010",
        "step-00000015",
    ]
    store.forget_best_after(10)
    assert store.best().step == 10
    store.forget_best_after(9)
    assert store.best() is None


def test_without_links_the_best_one_is_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    store = CheckpointStore(tmp_path)
    path = store.save(checkpoint(5))
    store.keep_best(5)
    path.write_bytes(b"damaged")
    assert store.best().step == 5
    assert store.latest().step == 5


def test_a_damaged_best_one_is_named_and_left_out(tmp_path, caplog):
    store = CheckpointStore(tmp_path)
    path = store.save(checkpoint(5))
    store.keep_best(5)
    path.write_bytes(_damage_bit(path.read_bytes(), 4000))
    assert store.best() is None
    assert "best-00000005" in caplog.text
    store.keep_best(5)  # the damaged one is no reason to keep it
    assert store.best() is None


def test_a_disk_that_is_full_is_told_in_one_line(tmp_path):
    folder = tmp_path / "file"
    folder.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"no checkpoint could be written to .*"):
        CheckpointStore(folder).save(checkpoint(5))


def _objects(path):
    """Save an archive of a Python object under the right hash of its content."""
    stream = io.BytesIO()
    np.savez(stream, state=np.array([{"of": "pickle"}], object))
    content = stream.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:32]
    (path / f"step-00000099-{digest}.npz").write_bytes(content)


@pytest.mark.parametrize(
    "put",
    [
        lambda folder: (folder / f"step-final-{'0' * 32}.npz").write_text("notes"),
        lambda folder: (folder / "step-00000099-of-mine.npz").touch(),
        lambda folder: (folder / f"best-00000099-{'0' * 32}.npz").mkdir(),
        lambda folder: (folder / f"step-00000099-{'a' * 32}.npz").symlink_to("gone"),
        _objects,
    ],
    ids=["no number", "no hash", "a folder", "a dead link", "pickled objects"],
)
def test_what_is_no_checkpoint_is_named_and_left_alone(tmp_path, caplog, put):
    store = CheckpointStore(tmp_path, keep=1)
    store.save(checkpoint(5))
    before = set(tmp_path.iterdir())
    put(tmp_path)
    (foreign,) = set(tmp_path.iterdir()) - before
    assert store.latest().step == 5
    assert foreign.name in caplog.text
    store.save(checkpoint(10))
    store.keep_best(10)
    assert store.best().step == 10
    assert store.latest().step == 10
    assert os.path.lexists(foreign)
