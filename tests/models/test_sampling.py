import io

import numpy as np
import pytest
from PIL import Image

from facefill.errors import ModelError
from facefill.imaging.pictures import write_png
from facefill.models.dcgan import Architecture, build_generator
from facefill.models.generation import generate
from facefill.models.sampling import arithmetic_sheet, draw_samples, walk
from facefill.parameters import SampleOptions

OPTIONS = SampleOptions(count=9, walk_stops=3, walk_frames=2)


@pytest.fixture(scope="module")
def generator():
    return build_generator(Architecture(16, 5, 2, 2), seed=1)


def test_a_walk_passes_its_stops_and_goes_back_to_the_first():
    stops = np.array([[0.0, 0.0], [1.0, 2.0], [-1.0, 0.0]])
    expected = [[0, 0], [0.5, 1], [1, 2], [0, 1], [-1, 0], [-0.5, 0]]
    assert walk(stops, 2) == pytest.approx(np.array(expected))


def test_every_kind_of_picture_is_drawn(generator, tmp_path):
    grids = [tmp_path / "samples-1.png", tmp_path / "samples-2.png"]
    for shade, path in enumerate(grids):
        write_png(path, np.full((20, 20, 3), 100 * shade, np.uint8))
    pictures = draw_samples(generator, grids, OPTIONS, 16, seed=1)
    assert pictures["grid.png"].shape == (52, 52, 3)  # 3x3 of 16, gaps of 2
    assert np.array_equal(
        pictures["single/004.png"], pictures["grid.png"][18:34, 18:34]
    )
    for name, frames in (("walk.gif", 6), ("training.gif", 2)):
        assert Image.open(io.BytesIO(pictures[name])).n_frames == frames
    without = draw_samples(generator, [], OPTIONS, 16, seed=1)
    assert "training.gif" not in without


def test_arithmetic_is_done_on_means_of_three(generator):
    latents = np.random.default_rng(0).uniform(-0.3, 0.3, (9, 5)).astype(np.float32)
    sheet = arithmetic_sheet(generator, latents, OPTIONS.arithmetic)
    means = [latents[at : at + 3].mean(axis=0) for at in (0, 3, 6)]
    expected = generate(generator, np.stack([means[0] - means[1] + means[2]]))[0]
    assert np.abs(sheet[-16:, -16:].astype(int) - expected).max() <= 1
    assert (
        np.abs(
            sheet[:16, -16:].astype(int) - generate(generator, means[0][None])[0]
        ).max()
        <= 1
    )


def test_a_model_of_another_size_is_refused(generator):
    with pytest.raises(ModelError, match="16 pixels, but image_size is 64"):
        draw_samples(generator, [], OPTIONS, 64, seed=1)
