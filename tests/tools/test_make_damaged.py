"""The demo's damaged photos are what ``tools/make_damaged.py`` makes of public ones."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import skimage.data

from facefill.imaging.mask_files import read_hole
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import read_png
from projects import ROOT

SAMPLE = ROOT / "data/demo/01_raw"
NAMES = sorted(path.name for path in (SAMPLE / "incomplete").iterdir())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    command = [sys.executable, ROOT / "tools/make_damaged.py", "--output", folder]
    subprocess.run(command, check=True, timeout=100)
    return folder


def test_there_are_six_kinds_of_damage_of_each_of_two_people():
    assert len(NAMES) == 12
    assert {name.split("-")[0] for name in NAMES} == {"collins", "hopper"}
    masks = sorted(path.name for path in (SAMPLE / "masks").iterdir())
    assert masks == [f"{name}.png" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_the_tool_makes_what_is_embedded(made, name):
    photo = read_photo(SAMPLE / "incomplete" / name)
    again = read_photo(made / "incomplete" / name)
    # An encoder of another version rounds otherwise.
    assert np.abs(photo.astype(int) - again).mean() < 0.5
    mask = read_png(SAMPLE / "masks" / f"{name}.png")
    np.testing.assert_array_equal(mask, read_png(made / "masks" / f"{name}.png"))


@pytest.mark.parametrize("name", [name for name in NAMES if "collins" in name])
def test_nothing_but_the_hole_is_damaged(name):
    photo = read_photo(SAMPLE / "incomplete" / name).astype(int)
    hole = read_hole(SAMPLE / "masks" / f"{name}.png", photo.shape[:2], "white_is_hole")
    away = ~cv2.dilate(hole.astype(np.uint8), np.ones((33, 33))).astype(bool)
    distance = np.abs(photo - skimage.data.astronaut())
    assert distance[away].mean() < 3  # JPEG
    assert distance[hole].mean() > 30
