"""Grids of a training are files and pictures of the run."""

import numpy as np

from facefill.imaging.pictures import read_png
from facefill.training.reporting import GridKeeper


class Recorder:
    def __init__(self):
        self.points, self.pictures = [], []

    def scalars(self, step, values):
        self.points.append((step, values))

    def picture(self, step, name, image):
        self.pictures.append((step, name, image))


def test_every_grid_is_kept_and_passed_on(tmp_path):
    recorder = Recorder()
    keeper = GridKeeper(recorder, tmp_path / "grids")
    grid = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    keeper.picture(250, "samples", grid)
    path = tmp_path / "grids/samples-00000250.png"
    assert np.array_equal(read_png(path), grid)
    assert recorder.pictures == [(250, "train/samples", grid)]


def test_metrics_are_those_of_the_training(tmp_path):
    recorder = Recorder()
    GridKeeper(recorder, tmp_path).scalars(10, {"d_fake": 0.5})
    assert recorder.points == [(10, {"train/d_fake": 0.5})]
