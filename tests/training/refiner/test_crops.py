"""Crops of training faces at twice their resolution."""

import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facefill.errors import DataError
from facefill.imaging.geometry import warp
from facefill.parameters.defaults import MAX_PIXELS
from facefill.preparation.face_set import FaceSet
from facefill.training.refiner.crops import crops_of

SIZE = 16


def write_photos(folder, count):
    """Photos with detail, the map of a face in each, and the faces."""
    draw = np.random.default_rng(0)
    rows, faces = [], []
    for number in range(count):
        photo = draw.integers(0, 256, (60, 80, 3), np.uint8)
        name = f"{number}.png"
        Image.fromarray(photo).save(folder / name)
        matrix = np.array([[0.4, 0.05, -3.0 - number], [-0.05, 0.4, -2.0]])
        rows.append({"id": name, "path": name, "matrix": matrix.ravel().tolist()})
        faces.append(warp(photo, matrix, SIZE))
    splits = ["train"] * (count - 1) + ["validation"]
    table = pd.DataFrame(
        {"id": [row["id"] for row in rows], "source": "", "split": splits}
    )
    return FaceSet(np.stack(faces), table), pd.DataFrame(rows)


def test_every_second_pixel_of_a_crop_is_that_of_its_face(tmp_path):
    faces, alignment = write_photos(tmp_path, 4)
    crops = crops_of(faces, alignment, tmp_path, tmp_path / "refiner", 1)
    assert crops.shape == (3, 2 * SIZE, 2 * SIZE, 3)
    assert np.abs(crops[:, ::2, ::2].astype(int) - faces.images[:3]).max() <= 4


def test_they_are_cut_once_for_the_same_faces(tmp_path):
    faces, alignment = write_photos(tmp_path, 4)
    folder = tmp_path / "refiner"
    first = np.array(crops_of(faces, alignment, tmp_path, folder, 1))
    (file,) = folder.iterdir()
    for path in tmp_path.glob("*.png"):
        path.unlink()
    assert np.array_equal(crops_of(faces, alignment, tmp_path, folder, 1), first)
    other = FaceSet(faces.images[1:], faces.table.iloc[1:])
    with pytest.raises(DataError, match="no photo gives a crop"):
        crops_of(other, alignment, tmp_path, folder, 1)
    assert not file.exists()
    assert list(folder.iterdir()) == []


def test_photos_that_are_larger_than_they_are_by_default_are_cut_as_well(tmp_path):
    faces, alignment = write_photos(tmp_path, 2)
    side = math.isqrt(MAX_PIXELS) + 1
    large = np.zeros((side, side, 3), np.uint8)
    large[:60, :80] = np.asarray(Image.open(tmp_path / "0.png"))
    Image.fromarray(large).save(tmp_path / "0.png", format="BMP")
    alignment = alignment.assign(width=side, height=side)
    crops = crops_of(faces, alignment, tmp_path, tmp_path / "refiner", 1)
    assert np.abs(crops[:, ::2, ::2].astype(int) - faces.images[:1]).max() <= 4


def test_what_a_killed_run_was_writing_is_deleted(tmp_path):
    faces, alignment = write_photos(tmp_path, 3)
    folder = tmp_path / "refiner"
    folder.mkdir()
    (folder / ".writing-01234567-abcd.tmp").write_bytes(b"half a file")
    crops_of(faces, alignment, tmp_path, folder, 1)
    (file,) = folder.iterdir()
    assert file.name.startswith("crops-")


def test_photos_that_are_gone_or_changed_are_left_out(tmp_path):
    faces, alignment = write_photos(tmp_path, 5)
    (tmp_path / "0.png").unlink()
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(tmp_path / "1.png")
    crops = crops_of(faces, alignment, tmp_path, tmp_path / "refiner", 1)
    assert len(crops) == 2
    assert np.abs(crops[:, ::2, ::2].astype(int) - faces.images[2:4]).max() <= 4


@pytest.mark.parametrize("border", ["black", "mirror"])
def test_blurred_crops_and_those_beyond_their_photo_are_left_out(tmp_path, border):
    faces, alignment = write_photos(tmp_path, 5)
    # Of the first a tenth of the crop is beyond the left edge, of the second a 25th.
    photos = [np.asarray(Image.open(tmp_path / f"{each}.png")) for each in range(4)]
    photos[2] = np.full_like(photos[2], 90)
    Image.fromarray(photos[2]).save(tmp_path / "2.png")
    upright = np.array([[0.4, 0.0, 0.0], [0.0, 0.4, -2.0]])
    matrices = [upright.copy() for _ in range(4)]
    for number, share in enumerate((0.1, 0.04, -0.1, -0.1)):
        matrices[number][0, 2] = SIZE * share + (0.4 - 1.0) / 2.0
    images = [warp(*each, SIZE, border) for each in zip(photos, matrices, strict=True)]
    alignment = alignment.iloc[:4].assign(
        matrix=[matrix.ravel().tolist() for matrix in matrices]
    )
    faces = FaceSet(np.stack(images), faces.table.iloc[:4])
    crops = crops_of(faces, alignment, tmp_path, tmp_path / "refiner", 1, border)
    assert len(crops) == 2
    for crop, number in zip(crops, (1, 3), strict=True):
        expected = warp(photos[number], 2 * matrices[number], 2 * SIZE, border)
        assert np.array_equal(crop, expected)
