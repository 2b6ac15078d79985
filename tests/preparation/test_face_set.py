"""A training set comes back as it was, in one file or many; never half of two."""

import hashlib
import itertools
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from facefill.errors import DataError
from facefill.preparation.face_set import (
    FaceSet,
    fingerprint,
    pixel_digest,
    read_face_set,
    write_face_set,
)
from facefill.preparation.sharded_array import ShardedArray
from photos import noise


def test_splits_in_any_order_are_selected_rightly():
    images = np.stack([noise(4, 4, seed) for seed in range(3)])
    table = pd.DataFrame({"split": ["train", "held_out", "train"]})
    assert np.array_equal(FaceSet(images, table).of_split("train"), images[[0, 2]])


def face_set(num_faces, seed=0):
    images = np.random.default_rng(seed).integers(
        0, 256, (num_faces, 4, 4, 3), np.uint8
    )
    ids = [f"{number}.jpg" for number in range(num_faces)]
    table = pd.DataFrame({"id": ids, "source": ids, "split": "train"})
    return FaceSet(images, table)


@pytest.mark.parametrize("num_faces", [1, 63, 64, 65, 2500])
def test_a_training_set_comes_back_as_it_was(tmp_path, num_faces):
    faces = face_set(num_faces)
    write_face_set(tmp_path / "new/faces.npy", faces)
    back = read_face_set(tmp_path / "new/faces.npy")
    assert isinstance(back.images, np.memmap)
    assert not back.images.flags.writeable
    assert np.array_equal(back.images, faces.images)
    assert back.table.equals(faces.table)
    assert np.array_equal(np.load(tmp_path / "new/faces.npy"), faces.images)


def test_a_table_of_other_faces_is_refused(tmp_path):
    for name, seed in (("one", 0), ("two", 1)):
        write_face_set(tmp_path / name / "faces.npy", face_set(5, seed))
    (tmp_path / "one/faces.npy").replace(tmp_path / "two/faces.npy")
    with pytest.raises(DataError, match="do not belong together"):
        read_face_set(tmp_path / "two/faces.npy")


@pytest.mark.parametrize("name", ["faces.npy", "faces.parquet"])
def test_a_missing_or_damaged_training_set_says_how_to_make_it(tmp_path, name):
    write_face_set(tmp_path / "faces.npy", face_set(5))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"damaged.*--pipeline=prepare"):
        read_face_set(tmp_path / "faces.npy")
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=rf"{name} does not exist.*--pipeline=prepare"):
        read_face_set(tmp_path / "faces.npy")


def test_images_and_table_must_be_as_many():
    with pytest.raises(DataError, match="5 faces, but a table of 4"):
        FaceSet(face_set(5).images, face_set(4).table)


def test_the_fingerprint_sees_order_and_number_of_faces():
    images = face_set(300).images
    different = [images, images[::-1], images[:-1], np.roll(images, 1, axis=0)]
    assert len({fingerprint(other) for other in different}) == 4


KILLED = """
import os, signal
from pathlib import Path
import numpy as np, pandas as pd, pyarrow.parquet as pq
from facefill.preparation.face_set import FaceSet, write_face_set
pq.write_table = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_face_set(
    Path("faces.npy"),
    FaceSet(np.zeros((3, 4, 4, 3), np.uint8), pd.DataFrame({"split": ["train"] * 3})),
)
"""


def test_a_kill_in_the_middle_of_a_save_leaves_the_old_set(tmp_path):
    write_face_set(tmp_path / "faces.npy", face_set(5))
    killed = subprocess.run([sys.executable, "-c", KILLED], check=False, cwd=tmp_path)
    assert killed.returncode == -signal.SIGKILL
    back = read_face_set(tmp_path / "faces.npy")
    assert np.array_equal(back.images, face_set(5).images)
    write_face_set(tmp_path / "faces.npy", face_set(6))
    assert len(read_face_set(tmp_path / "faces.npy").images) == 6


def test_a_set_in_several_files_is_the_set_in_one(tmp_path):
    faces = face_set(10)
    write_face_set(tmp_path / "faces.npy", faces, faces_per_file=4)
    names = {path.name for path in tmp_path.glob("*.npy")}
    assert names == {"faces.npy", "faces.0001.npy", "faces.0002.npy"}
    back = read_face_set(tmp_path / "faces.npy")
    assert np.array_equal(np.asarray(back.images), faces.images)
    assert fingerprint(back.images) == fingerprint(faces.images)
    assert back.images[np.array([9, 0])].tobytes() == faces.images[[9, 0]].tobytes()


def test_a_smaller_set_leaves_no_file_of_a_larger_one(tmp_path):
    write_face_set(tmp_path / "faces.npy", face_set(10), faces_per_file=2)
    write_face_set(tmp_path / "faces.npy", face_set(3), faces_per_file=2)
    names = {path.name for path in tmp_path.glob("*.npy")}
    assert names == {"faces.npy", "faces.0001.npy"}
    assert len(read_face_set(tmp_path / "faces.npy").images) == 3


@pytest.mark.parametrize("loss", ["gone", "another set's"])
def test_a_set_that_lost_one_of_its_files_is_refused(tmp_path, loss):
    write_face_set(tmp_path / "faces.npy", face_set(200), faces_per_file=50)
    second = tmp_path / "faces.0001.npy"
    second.unlink()
    if loss == "another set's":
        np.save(second, face_set(50, seed=1).images)
    with pytest.raises(DataError, match=r"--pipeline=prepare"):
        read_face_set(tmp_path / "faces.npy")


@pytest.mark.parametrize(("begin", "end"), list(itertools.combinations(range(6), 2)))
def test_a_split_across_files_is_read_in_place(tmp_path, begin, end):
    faces = face_set(6)
    faces.table["split"] = "train"
    faces.table.loc[begin : end - 1, "split"] = "held_out"
    write_face_set(tmp_path / "faces.npy", faces, faces_per_file=2)
    held_out = read_face_set(tmp_path / "faces.npy").of_split("held_out")
    assert np.array_equal(np.asarray(held_out), faces.images[begin:end])


def test_the_digest_changes_with_one_pixel_and_with_the_number_of_faces():
    images = face_set(5).images
    changed = images.copy()
    changed[2, 0, 0, 0] ^= 1
    assert pixel_digest(changed) != pixel_digest(images)
    assert pixel_digest(images[:-1]) != pixel_digest(images)
    assert pixel_digest(images) == pixel_digest(face_set(5).images)


def test_the_digest_is_the_same_however_the_faces_lie_in_files():
    images = face_set(3000).images
    shards = ShardedArray([images[:1], images[1:2000], images[2000:]])
    assert pixel_digest(shards) == pixel_digest(images)
    # As checkpoints of every version hold it.
    assert pixel_digest(images) == hashlib.sha256(images.tobytes()).hexdigest()[:16]
