"""Grids show the photos side by side, and animations their searches."""

import io

import numpy as np
import pytest
from PIL import Image

from facefill.completion.overview import overview
from facefill.completion.uncertainty import MAPS, SAMPLES
from facefill.imaging.pictures import grid, write_png
from restoring import Project

SIZE = 8


@pytest.fixture
def folders(tmp_path):
    return Project(tmp_path)


def picture(seed, frames=1):
    shape = (SIZE, frames * SIZE, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write_photo(folders, photo, seed, *, has_chains=False):
    write_png(folders.faces / f"{photo}.png", picture(seed))
    names = ["known.png", "blended.png", "generated.png"]
    for number, name in enumerate([*names, *MAPS] if has_chains else names):
        write_png(folders.output / photo / name, picture(10 * seed + number))
    write_png(folders.output / photo / "frames.png", picture(seed, frames=3))
    if has_chains:
        write_png(folders.output / photo / SAMPLES, picture(seed, frames=2))


def num_frames(content):
    return Image.open(io.BytesIO(content)).n_frames


def test_grids_are_of_all_photos_and_the_animation_is_of_their_frames(folders):
    photos = ["a", "b"]
    for seed, photo in enumerate(photos, start=1):
        write_photo(folders, photo, seed)
    faces = {photo: f"{photo}.png" for photo in photos}
    pictures = overview(photos, faces, folders.faces, folders.output, 10.0)
    assert set(pictures) == {
        "before.png",
        "masked.png",
        "completed.png",
        "blended.png",
        "completion.gif",
    }
    before = np.stack([picture(1), picture(2)])
    assert np.array_equal(pictures["before.png"], grid(before))
    last = np.stack([picture(seed, frames=3)[:, 2 * SIZE :] for seed in (1, 2)])
    assert np.array_equal(pictures["completed.png"], grid(last))
    assert num_frames(pictures["completion.gif"]) == 3


def test_maps_of_chains_are_shown_if_every_photo_has_them(folders):
    write_photo(folders, "a", 1, has_chains=True)
    write_photo(folders, "b", 2)
    faces = {"a": "a.png", "b": "b.png"}
    of_both = overview(["a", "b"], faces, folders.faces, folders.output, 10.0)
    assert "samples.gif" not in of_both
    pictures = overview(["a"], faces, folders.faces, folders.output, 10.0)
    assert {"mean.png", *MAPS} <= set(pictures)
    assert num_frames(pictures["samples.gif"]) == 2


def test_without_a_face_there_is_nothing_to_show(folders):
    assert overview([], {}, folders.faces, folders.output, 10.0) == {}
