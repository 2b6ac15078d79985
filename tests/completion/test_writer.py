"""What is written of a photo is whole, or is not what its row says."""

import numpy as np
import pandas as pd
import pytest

from facefill.completion.inputs import Folders, MaskChoice, TaskReader
from facefill.completion.writer import ResultWriter, hole_distances
from facefill.errors import PhotoError
from facefill.imaging.pictures import read_png, write_png
from facefill.inversion.candidates import Candidate
from facefill.parameters import IngestOptions
from facefill.runtime.files import file_sha256
from restoring import OPTIONS, SIZE, place


@pytest.fixture
def folders(tmp_path):
    return Folders(
        *(tmp_path / name for name in ("photos", "masks", "faces", "out", "records"))
    )


@pytest.fixture
def writer(folders):
    return ResultWriter(folders, IngestOptions())


def candidate(grey):
    face = np.full((SIZE, SIZE, 3), grey, np.uint8)
    history = np.ones((2, 3), np.float32)
    return Candidate(
        latent=np.zeros(4, np.float32),
        generated=face,
        fitted=face,
        contextual=1.0,
        perceptual=0.5,
        loss=float(grey),
        history=history,
        start=0,
    )


def task_of(folders):
    row = next(pd.DataFrame([place(folders, "a.png")]).itertuples())
    reader = TaskReader(folders.faces, folders.masks, OPTIONS, seed=1, size=SIZE)
    return reader.read(row, MaskChoice("center"), "key")


def frames():
    return [np.zeros((SIZE, SIZE, 3), np.uint8)] * 2


def test_a_row_has_the_hash_of_every_file(folders, writer):
    row = writer.write(task_of(folders), [candidate(9)], frames())
    folder = folders.output / "a.png"
    files = {path.name: file_sha256(path) for path in folder.iterdir()}
    assert row["files"] == files
    assert (row["key"], row["status"], row["mask"]) == ("key", "completed", "center")
    assert writer.is_whole(row)


@pytest.mark.parametrize("change", ["damaged", "deleted"])
def test_a_result_that_is_not_as_it_was_written_is_not_whole(folders, writer, change):
    row = writer.write(task_of(folders), [candidate(9)], frames())
    path = folders.output / "a.png/photo.png"
    if change == "damaged":
        path.write_bytes(b"damaged")
    else:
        path.unlink()
    assert not writer.is_whole(row)


def test_candidates_of_an_earlier_run_are_deleted(folders, writer):
    task = task_of(folders)
    writer.write(task, [candidate(9), candidate(200)], frames())
    folder = folders.output / "a.png"
    assert read_png(folder / "candidate-2.png").shape == (SIZE, SIZE, 3)
    writer.write(task, [candidate(9)], frames())
    assert [path.name for path in folder.glob("candidate*")] == ["candidates.parquet"]


def test_another_photo_in_the_place_of_the_aligned_one_gets_no_face(folders, writer):
    task = task_of(folders)
    write_png(folders.photos / "a.png", np.zeros((80, 96, 3), np.uint8))
    with pytest.raises(PhotoError, match="changed"):
        writer.write(task, [candidate(9)], frames())
    assert not folders.output.exists()


def test_distances_are_mean_differences_over_the_hole():
    mask = np.ones((2, 2), np.bool_)
    mask[0, 0] = False
    pictures = [np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 10, np.uint8)]
    pictures[1][1] = 255
    assert hole_distances(pictures, mask).tolist() == [[0.0, 10.0], [10.0, 0.0]]
    everything = np.ones((2, 2), np.bool_)
    assert hole_distances(pictures, everything)[0, 1] == pytest.approx(132.5)
