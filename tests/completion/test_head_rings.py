"""Between both halves of a head its top goes around it."""

import cv2
import numpy as np
import pytest

from facefill.completion.head_outlines import UPRIGHT, Mirror, Outline, places
from facefill.completion.head_rings import fill_between_halves
from photos import noise

SIDE, CROP = 320, 120.0
TO_SQUARE = np.array([[1 / CROP, 0, 0.5 - 160 / CROP], [0, 1 / CROP, 0.5 - 190 / CROP]])
OUTLINE = Outline(-0.15, (0.85, 1.1), 0.45, 1.3, 3.0)
TURNED = Mirror(0.1, 1.5)
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
WEDGE = (ROWS < 120) & (np.abs(COLUMNS - 160) < 120 - ROWS)


def on_rings(mirror):
    """Size of the ring of each pixel, and its angle from the top."""
    where = places((SIDE, SIDE), TO_SQUARE)
    beside = mirror.unturned(where.across) / OUTLINE.radii[0]
    above = (OUTLINE.centre - where.down) / OUTLINE.radii[1]
    return np.hypot(beside, above), np.arctan2(beside, above)


def ringed(mirror=UPRIGHT):
    """Photo of one colour on each ring."""
    sizes, _ = on_rings(mirror)
    levels = [128 + 100 * np.sin(rate * sizes) for rate in (9.0, 13.0, 17.0)]
    return np.stack(levels, axis=-1).astype(np.uint8)


def filled(photo, hole=WEDGE, mirror=UPRIGHT, paint=0):
    damaged = np.where(hole[..., None], np.uint8(paint), photo)
    return fill_between_halves(damaged, hole, ~hole, TO_SQUARE, mirror, OUTLINE)


@pytest.mark.parametrize("mirror", [UPRIGHT, TURNED])
def test_what_goes_around_a_head_comes_back(mirror):
    truth = ringed(mirror)
    made, done = filled(truth, mirror=mirror)
    assert done.sum() > 0.8 * (WEDGE & (on_rings(mirror)[0] < 0.97)).sum()
    assert np.abs(made[done].astype(int) - truth[done]).mean() < 3.0
    np.testing.assert_array_equal(made[~WEDGE], truth[~WEDGE])


def test_only_what_is_on_a_ring_above_its_middle_is_filled():
    sizes, angles = on_rings(UPRIGHT)
    _, above = filled(ringed())
    assert above.any()
    assert not above[~WEDGE].any()
    assert not above[sizes > 1.0].any()
    assert (np.abs(angles[above]) < np.pi / 2).all()
    chin = (ROWS > 180) & (np.abs(COLUMNS - 160) < 40)
    _, below = filled(ringed(), hole=chin)
    assert not below.any()


def test_a_head_that_is_hidden_almost_from_side_to_side_is_left():
    _, angles = on_rings(UPRIGHT)
    _, bridged = filled(ringed(), hole=np.abs(angles) < np.radians(40.0))
    _, left = filled(ringed(), hole=np.abs(angles) < np.radians(60.0))
    assert bridged.any()
    assert not left.any()


def test_a_ring_that_is_known_on_one_side_alone_is_left():
    _, done = filled(ringed(), hole=(ROWS < 180) & (COLUMNS > 140))
    assert not done.any()


def test_no_paint_is_read():
    truth = ringed()
    # Not all that is unknown is wanted, and there are slivers of it.
    hole = WEDGE | (noise(SIDE, SIDE)[..., 0] < 2)
    wanted = hole & (COLUMNS > 140)
    (one, done), (other, as_well) = (
        fill_between_halves(
            np.where(hole[..., None], np.uint8(paint), truth),
            wanted,
            ~hole,
            TO_SQUARE,
            UPRIGHT,
            OUTLINE,
        )
        for paint in (0, 255)
    )
    assert done.any()
    assert not done[~wanted].any()
    np.testing.assert_array_equal(done, as_well)
    np.testing.assert_array_equal(one[done], other[done])


def test_each_gap_of_a_ring_is_filled_between_its_own_ends():
    sizes, angles = on_rings(UPRIGHT)
    turned = np.degrees(angles)
    levels = np.select([turned < -20, turned < 20], [60, 130], 200)
    photo = levels[..., None].repeat(3, axis=2).astype(np.uint8)
    hole = (np.abs(turned + 40) < 8) | (np.abs(turned) < 8) | (np.abs(turned - 40) < 8)
    hole |= turned < -70  # a ring that begins unknown
    made, done = filled(photo, hole)
    assert not done[turned < -71].any()
    outer = done & (sizes > 0.6)
    assert min((outer & (np.abs(turned - a) < 8)).sum() for a in (-40, 0, 40)) > 300
    difference = np.abs(made[outer].astype(int) - photo[outer])
    assert difference.mean() < 4.0
    assert difference.max() < 25  # a third of what is beside


def test_ends_of_two_colours_fade_into_each_other():
    photo = np.where(COLUMNS < 160, 60, 160)[..., None].repeat(3, axis=2)
    made, done = filled(photo.astype(np.uint8))
    row = made[60, done[60], 0].astype(int)
    assert len(row) > 30
    assert row[0] < 70
    assert row[-1] > 150
    assert np.diff(row).min() >= 0
    assert np.diff(row).max() < 10


def test_what_lies_farther_along_a_ring_and_is_of_another_colour_has_no_share():
    sizes, angles = on_rings(UPRIGHT)
    # A cap that ends a little beyond the hole, before a wall.
    photo = np.where(np.abs(angles) < 0.9, 230, 40)[..., None].repeat(3, axis=2)
    hole = np.abs(angles) < 0.7
    made, done = filled(photo.astype(np.uint8), hole)
    outer = done & (sizes > 0.6)
    assert outer.sum() > 500
    assert made[outer].min() >= 215


def test_a_spot_at_the_end_of_a_ring_does_not_go_all_around():
    sizes, angles = on_rings(UPRIGHT)
    turned = np.degrees(np.abs(angles))
    photo = np.where((turned > 35) & (turned < 38), 90, 130)[..., None].repeat(3, 2)
    made, done = filled(photo.astype(np.uint8), turned < 35)
    outer = done & (sizes > 0.6)
    assert made[outer & (turned < 8)].min() > 110
    assert made[outer & (turned > 33)].mean() < 124


def test_detail_goes_on():
    _, angles = on_rings(UPRIGHT)
    fine = cv2.GaussianBlur(noise(SIDE, SIDE).astype(np.float32)[..., 0], (0, 0), 1.0)
    photo = np.clip(128 + 0.5 * (fine - 128), 0, 255)[..., None].repeat(3, axis=2)
    made, done = filled(photo.astype(np.uint8))
    middle = done & (np.abs(angles) < 0.15)  # where both ends have a share
    assert 0.6 < made[middle].std() / photo[middle].std() < 1.1


@pytest.mark.parametrize(("width", "times"), [(70, 1), (76, 2), (76, 4)])
def test_a_wide_gap_of_few_rings_is_filled_with_what_is_like_its_ends(width, times):
    hole = (np.abs(COLUMNS - 160) < width) & (ROWS < 172)
    photo = np.full((times * SIDE, times * SIDE, 3), 150, np.uint8)
    grain = np.random.default_rng(0).normal(0, 5, photo.shape[:2])[..., None]
    photo = np.clip(photo + grain, 0, 255).astype(np.uint8)
    made, done = filled_enlarged(photo, hole, times)
    assert done.sum() > 1000
    assert np.abs(made[done].astype(int) - 150).max() < 40
    assert abs(made[done].mean() - 150) < 2.0


def test_detail_is_of_what_is_like_the_ends_and_near_them():
    sizes, angles = on_rings(UPRIGHT)
    turned = np.degrees(np.abs(angles))
    fine = noise(SIDE, SIDE).astype(np.float32)[..., 0] - 128
    # Smooth hair, beside a wall of much detail.
    photo = np.where(turned < 45, 90 + 0.02 * fine, 200 + 0.4 * fine)
    photo = np.clip(photo, 0, 255)[..., None].repeat(3, axis=2).astype(np.uint8)
    made, done = filled(photo, turned < 25)
    inner = done & (sizes > 0.5)
    assert np.abs(made[inner].astype(int) - 90).mean() < 1.7


@pytest.mark.parametrize("times", [6, 7])  # more rings than are looked at
def test_large_photos_are_filled_as_small_ones_are(times):
    truth = ringed()
    made, done = filled(truth)
    large = cv2.resize(truth, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR)
    again, as_well = filled_enlarged(large, WEDGE, times)
    small = cv2.resize(again, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    inner = cv2.erode(done.astype(np.uint8), np.ones((5, 5))) > 0
    assert as_well.sum() > 0.9 * done.sum() * times**2
    assert np.abs(small[inner].astype(int) - made[inner]).mean() < 4.0


def test_of_a_block_that_is_known_in_part_nothing_is_read():
    truth = ringed().repeat(5, 0).repeat(5, 1)  # blocks of two pixels
    (one, done), (other, as_well) = (
        filled_enlarged(truth, WEDGE, 5, paint) for paint in (0, 255)
    )
    assert done.any()
    np.testing.assert_array_equal(done, as_well)
    np.testing.assert_array_equal(one[done], other[done])


def test_grain_of_large_photos_becomes_no_blotches():
    times = 6
    rng = np.random.default_rng(0)
    grain = rng.normal(128, 20, (times * SIDE, times * SIDE, 1)).repeat(3, axis=2)
    photo = np.clip(grain, 0, 255).astype(np.uint8)
    made, done = filled_enlarged(photo, WEDGE, times)
    blurred = cv2.GaussianBlur(made.astype(np.float32), (0, 0), times / 2)
    inner = cv2.erode(done.astype(np.uint8), np.ones((4 * times,) * 2)) > 0
    true = cv2.GaussianBlur(photo.astype(np.float32), (0, 0), times / 2)
    assert blurred[inner].std() < 1.5 * true[inner].std()


def filled_enlarged(photo, hole, times, paint=0):
    hole = hole.repeat(times, 0).repeat(times, 1)
    to_square = TO_SQUARE.copy()
    to_square[:, :2] /= times
    to_square[:, 2] = to_square @ (*[(1 - times) / 2] * 2, 1.0)
    damaged = np.where(hole[..., None], np.uint8(paint), photo)
    return fill_between_halves(damaged, hole, ~hole, to_square, UPRIGHT, OUTLINE)


def test_no_edge_shows_where_a_gap_ends_above_what_is_known():
    sizes, angles = on_rings(UPRIGHT)
    is_light = (sizes < 0.5) & (np.abs(angles) < 0.3)
    photo = np.where(is_light, 140, 100)[..., None].repeat(3, axis=2)
    hole = (sizes > 0.5) & (np.abs(angles) < 0.5)
    made, done = filled(photo.astype(np.uint8), hole)
    above = (sizes[:, 160] > 0.5) & (sizes[:, 160] < 0.95) & (ROWS[:, 0] < 172)
    assert done[above, 160].all()
    column = made[:, 160, 0].astype(int)
    assert np.abs(np.diff(column[45:160])).max() <= 20
    assert np.abs(column[above & (sizes[:, 160] > 0.75)] - 100).max() <= 4


@pytest.mark.parametrize("times", [1, 6])
def test_how_far_that_level_reaches_grows_with_the_photo(times):
    sizes, angles = on_rings(UPRIGHT)
    is_light = (sizes < 0.5) & (np.abs(angles) < 0.3)
    photo = np.where(is_light, 140, 100)[..., None].repeat(3, axis=2).astype(np.uint8)
    hole = (sizes > 0.5) & (np.abs(angles) < 0.5)
    photo = photo.repeat(times, 0).repeat(times, 1)
    made, _ = filled_enlarged(photo, hole, times)
    column = made[times // 2 :: times, times * 160, 0].astype(int)
    half = column[(sizes[:, 160] > 0.5) & (ROWS[:, 0] < 172)][::-1] > 115
    assert 3 <= half.argmin() <= 8
