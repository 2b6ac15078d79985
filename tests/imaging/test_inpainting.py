"""A hole is filled from what is known around it, and from nothing else."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import skimage.data
from skimage.filters import gaussian

from facefill.imaging.inpainting import inpaint


@pytest.fixture(scope="module")
def photo():
    return skimage.data.astronaut()[100:340, 60:380].copy()


def holes():
    rows, columns = np.mgrid[:240, :320]
    yield "scratch", np.abs(rows - 0.7 * columns) < 3
    yield "disc", (rows - 100) ** 2 + (columns - 200) ** 2 < 30**2
    yield "both", (np.abs(rows - columns) < 2) | (columns > 290)
    yield "edge", rows > 200


HOLES = dict(holes())


@pytest.mark.parametrize("name", HOLES)
def test_all_of_the_hole_is_filled_and_nothing_else_is_touched(photo, name):
    hole = HOLES[name]
    painted = np.where(hole[..., None], np.uint8([255, 0, 255]), photo)
    filled = inpaint(painted, hole)
    assert np.array_equal(filled[~hole], photo[~hole])
    # Nothing of the astronaut is magenta.
    magenta = (filled[..., 0] > 200) & (filled[..., 1] < 60) & (filled[..., 2] > 200)
    assert not magenta.any()


@pytest.mark.parametrize("name", HOLES)
def test_what_is_under_the_hole_changes_no_byte(photo, name):
    hole = HOLES[name]
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, np.uint8)
    one, two, three = (
        inpaint(np.where(hole[..., None], under, photo), hole)
        for under in (np.uint8(0), noise, photo)
    )
    assert np.array_equal(one, two)
    assert np.array_equal(one, three)


def test_photos_that_are_filled_side_by_side_come_out_as_each_alone(photo):
    hole, flipped = HOLES["edge"], photo[:, ::-1].copy()
    alone = [inpaint(photo, hole), inpaint(flipped, hole)]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(inpaint, each, hole) for each in (photo, flipped) * 2]
    for number, done in enumerate(both):
        assert np.array_equal(done.result(), alone[number % 2])


@pytest.mark.parametrize("name", ["scratch", "disc"])
def test_it_is_nearer_to_the_truth_than_the_mean_of_the_photo(photo, name):
    hole = HOLES[name]
    error = np.abs(inpaint(photo, hole)[hole].astype(float) - photo[hole]).mean()
    mean = photo[~hole].mean(axis=0)
    assert error < 0.5 * np.abs(photo[hole] - mean).mean()


def test_what_is_avoided_is_not_copied(photo):
    hole = HOLES["disc"]
    green = photo.copy()
    avoided = np.zeros_like(hole)
    avoided[:, :140] = True
    green[avoided] = (0, 255, 0)
    filled = inpaint(green, hole, avoided)
    assert not (filled[hole] == (0, 255, 0)).all(axis=-1).any()


def test_beside_what_is_avoided_more_of_a_hole_goes_on_with_its_slope():
    truth = parabola()
    hole = np.hypot(*(np.mgrid[:120, :160] - np.array([[[60]], [[90]]]))) < 15
    avoided = np.zeros_like(hole)
    avoided[:, 90:] = True
    apart = np.abs(inpaint(truth, hole, avoided).astype(int) - truth)
    assert apart.max() <= 3


def test_where_everything_known_is_to_be_avoided_it_is_spread(photo):
    hole = HOLES["disc"]
    filled = inpaint(photo, hole, np.ones_like(hole))
    assert np.array_equal(filled[~hole], photo[~hole])
    assert filled[hole].std() > 0


def test_large_windows_are_shrunk_and_enlarged_again(monkeypatch, photo):
    monkeypatch.setattr("facefill.imaging.inpainting.MAX_WINDOW_PIXELS", 4000)
    hole = HOLES["disc"]
    filled = inpaint(photo, hole)
    assert np.array_equal(filled[~hole], photo[~hole])
    assert filled[hole].std() > 0


def test_no_hole_is_the_photo_and_nothing_but_hole_is_grey(photo):
    assert np.array_equal(inpaint(photo, np.zeros(photo.shape[:2], bool)), photo)
    assert (inpaint(photo, np.ones(photo.shape[:2], bool)) == 128).all()


def parabola(height=120, width=160):
    """Photo that the biharmonic equation continues exactly, and Laplace's does not."""
    rows, columns = np.mgrid[:height, :width] - 60.0
    level = 40.0 + rows**2 / 40.0 + 0.5 * columns + columns * rows / 100.0
    return np.repeat(
        np.round(np.clip(level, 0, 255)).astype(np.uint8)[..., None], 3, -1
    )


@pytest.mark.parametrize(
    "hole",
    [
        np.abs(np.add(*np.mgrid[:120, :160]) - 120) < 6,
        np.hypot(*(np.mgrid[:120, :160] - np.array([[[60]], [[90]]]))) < 9,
    ],
    ids=["scratch", "spot"],
)
def test_level_and_slope_go_on_through_a_thin_hole(hole):
    truth = parabola()
    apart = np.abs(inpaint(truth, hole).astype(int) - truth)
    # At the photo's edge there is nothing that it could go on to.
    assert apart[20:-20, 20:-20].max() <= 2


@pytest.fixture(scope="module")
def diagonal_scratch():
    return np.abs(np.subtract(*np.mgrid[:160, :160])) < 7


def test_an_edge_that_a_scratch_crosses_stays_an_edge(diagonal_scratch):
    columns = np.mgrid[:160, :160][1]
    grain = np.random.default_rng(0).normal(0, 3, (160, 160, 1))
    level = np.where(columns < 80, 60.0, 190.0)[..., None]
    photo = np.repeat(np.round(level + grain), 3, -1).astype(np.uint8)
    beside = diagonal_scratch & (np.abs(columns - 80) < 12)
    filled = inpaint(photo, diagonal_scratch)[beside][:, 0]
    assert np.mean((filled > 85) & (filled < 165)) < 0.1


def test_beside_what_is_avoided_a_scratch_goes_on_without_patches():
    rows, columns = np.mgrid[:160, :160]
    chequered = np.where((rows // 4 + columns // 4) % 2, 200, 40)
    photo = np.repeat(np.where(columns < 80, 120, chequered)[..., None], 3, -1).astype(
        np.uint8
    )
    hole, avoided = np.abs(columns - 80) < 5, columns < 80
    filled = inpaint(photo, hole, avoided)
    assert filled[20:-20, 76:80].std() < 25


def test_texture_goes_on_through_a_scratch(diagonal_scratch):
    fur = skimage.data.chelsea()[40:200, 120:280].copy()
    filled = inpaint(fur, diagonal_scratch)

    def detail(photo):
        grey = photo.mean(axis=-1)
        return (grey - gaussian(grey, 1.5))[diagonal_scratch].std()

    assert 0.6 < detail(filled) / detail(fur) < 1.3


def test_tiles_of_a_scratch_leave_no_pixel_of_it(monkeypatch, photo):
    monkeypatch.setattr("facefill.imaging.inpainting._TILE", 50)
    hole = HOLES["scratch"]
    black = np.where(hole[..., None], np.uint8(0), photo)
    error = np.abs(inpaint(black, hole)[hole].astype(float) - photo[hole])
    assert np.mean(error > 100) < 0.02


def test_a_thin_hole_of_very_many_pixels_is_filled_as_well(monkeypatch, photo):
    monkeypatch.setattr("facefill.imaging.inpainting.MAX_SOLVED_PIXELS", 100)
    hole = HOLES["scratch"]
    filled = inpaint(photo, hole)
    assert np.array_equal(filled[~hole], photo[~hole])
    error = np.abs(filled[hole].astype(float) - photo[hole]).mean()
    assert error < 0.5 * np.abs(photo[hole] - photo[~hole].mean(axis=0)).mean()
