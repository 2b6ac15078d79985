"""Pictures of other things than faces go the whole way, as users type it."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from commands import kedro

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def disc(number, height=48, width=64):
    """Draw a disc of some colour on ground of another, somewhere near the middle."""
    random = np.random.default_rng(number)
    row, column = np.mgrid[:height, :width]
    x, y = random.uniform(0.4, 0.6, 2) * (width, height)
    inside = np.hypot(row - y, column - x) < random.uniform(8, 16)
    ground, colour = random.integers(0, 256, (2, 3))
    pixels = np.where(inside[..., None], colour, ground) + random.normal(
        0, 20, (height, width, 3)
    )
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    for name, numbers in (("photos", range(24)), ("incomplete", range(100, 103))):
        folder = data / "01_raw" / name
        folder.mkdir(parents=True)
        for number in numbers:
            Image.fromarray(disc(number)).save(folder / f"{number}.png")
    hole = np.zeros((48, 64), np.uint8)
    hole[20:30, 25:35] = 255
    (data / "01_raw/masks").mkdir()
    Image.fromarray(hole).save(data / "01_raw/masks/100.png")
    run = kedro(data, "--params=align.method:center_crop")
    assert run.returncode == 0, run.stderr + run.stdout
    return data


def read(path):
    return np.asarray(Image.open(path)).astype(int)


def test_every_picture_is_in_the_training_set_as_its_middle_averaged(discs):
    table = pd.read_parquet(discs / "05_model_input/faces.parquet")
    faces = np.load(discs / "05_model_input/faces.npy")
    assert sorted(table["id"]) == sorted(f"{number}.png" for number in range(24))
    assert set(table["split"]) <= {"train", "validation", "test"}
    assert 0 < (table["split"] == "train").sum() < len(table)
    for name, face in zip(table["id"], faces, strict=True):
        middle = disc(int(name.removesuffix(".png")))[:, 8:56].astype(float)
        means = middle.reshape(16, 3, 16, 3, 3).mean(axis=(1, 3))
        assert np.abs(face - means).max() <= 0.5


def test_a_generator_is_trained_on_them_and_judged(discs):
    report = json.loads((discs / "08_reporting/training.json").read_text())
    assert report["steps"] == 20
    assert (discs / "06_models/generator.keras").is_file()
    assert (discs / "08_reporting/evaluation.json").is_file()


def test_the_hole_and_nothing_else_is_completed(discs):
    output = discs / "07_model_output/completed"
    table = pd.read_parquet(output / "completions.parquet").set_index("id")
    assert (table["status"] == "completed").all()
    assert table.loc["100.png", "mask"] == "file"
    hole = read(discs / "01_raw/masks/100.png") > 0
    before = read(discs / "01_raw/incomplete/100.png")
    after = read(output / "100.png/photo.png")
    assert np.array_equal(before[~hole], after[~hole])
    assert not np.array_equal(before[hole], after[hole])
