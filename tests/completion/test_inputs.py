"""Masks are chosen once and read as they were chosen."""

from types import SimpleNamespace

import numpy as np
import pytest

from facefill.completion.inputs import (
    Folders,
    MaskChoice,
    TaskReader,
    rejected,
    task_key,
)
from facefill.errors import MaskError, PhotoError
from facefill.imaging.degradations import Downsampling, Inpainting
from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import write_png
from restoring import OPTIONS, PHOTO_SHAPE, SIZE, place


@pytest.fixture
def folders(tmp_path):
    return Folders(
        *(tmp_path / name for name in ("photos", "masks", "faces", "out", "records"))
    )


@pytest.fixture
def reader(folders):
    return TaskReader(folders.faces, folders.masks, OPTIONS, seed=1, size=SIZE)


def row_of(folders, name="d/a.jpg", **changes):
    return SimpleNamespace(**(place(folders, name) | changes))


def write_hole(folders, name="d/a.png"):
    hole = np.zeros(PHOTO_SHAPE, np.uint8)
    hole[6:22, 10:42] = 255
    write_png(folders.masks / name, hole)


def test_a_file_beside_the_photos_path_wins_over_the_shape(folders, reader):
    row = row_of(folders)
    assert reader.choose(row, "left") == MaskChoice("left", "", "")
    write_hole(folders)
    mask = reader.choose(row, "left")
    assert (mask.name, mask.file, len(mask.sha256)) == ("file", "d/a.png", 64)


def test_a_shape_is_read_with_what_it_leaves_known(folders, reader):
    row = row_of(folders)
    task = reader.read(row, MaskChoice("left"), "key")
    assert np.array_equal(task.target.mask, build_mask("left", SIZE))
    assert isinstance(task.target.degradation, Inpainting)
    assert task.photo_hole is None
    assert (task.key, task.face_id, task.mask_name) == ("key", "d/a.jpg", "left")
    lowres = reader.read(row, MaskChoice("lowres"), "key")
    assert isinstance(lowres.target.degradation, Downsampling)


def test_a_file_is_read_as_it_was_chosen_or_not_at_all(folders, reader):
    row = row_of(folders)
    write_hole(folders)
    mask = reader.choose(row, "center")
    task = reader.read(row, mask, "key")
    assert task.photo_hole.shape == PHOTO_SHAPE[:2]
    assert task.target.mask.mean() == pytest.approx(0.5, abs=1 / SIZE)
    for content in (b"no picture", b""):
        (folders.masks / "d/a.png").write_bytes(content)
        with pytest.raises(MaskError, match="changed since the plan"):
            reader.read(row, mask, "key")


def test_a_photo_without_a_face_has_the_reason_of_its_alignment(folders, reader):
    row = row_of(folders, status="rejected", reason="no_face")
    with pytest.raises(PhotoError, match="no_face"):
        reader.read(row, MaskChoice("center"), "key")


def test_a_key_depends_on_everything_that_a_completion_depends_on(folders):
    plan = {"mask": "center", "mask_sha256": ""}
    keys = [
        task_key(row_of(folders, **(plan | changes)), settings)
        for changes, settings in [
            ({}, "settings"),
            ({}, "others"),
            ({"mask": "left"}, "settings"),
            ({"mask": "file", "mask_sha256": "abc"}, "settings"),
            ({"mask": "file", "mask_sha256": "abd"}, "settings"),
            ({"photo_sha256": "x"}, "settings"),
            ({"face_sha256": "x"}, "settings"),
            ({"id": "d/a.jpg#2"}, "settings"),
        ]
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == task_key(row_of(folders, **plan), "settings")


@pytest.mark.parametrize(
    ("error", "reason", "detail"),
    [
        (PhotoError("truncated"), "truncated", "truncated"),
        (PhotoError("crashed", "thrice"), "crashed", "crashed: thrice"),
        (MaskError("no white"), "mask", "no white"),
        (ValueError("shapes"), "failed", "ValueError: shapes"),
    ],
)
def test_a_rejected_row_has_a_word_and_a_sentence(error, reason, detail):
    row = rejected("a.png", error)
    assert row == {
        "id": "a.png",
        "status": "rejected",
        "reason": reason,
        "detail": detail,
    }
