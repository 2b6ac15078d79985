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
    _, done = filled(ringed())
    assert not done[~WEDGE].any()
    assert not done[sizes > 1.0].any()
    beside = np.abs(COLUMNS - 160) > 40
    _, done = filled(ringed(), hole=(ROWS > 180) & ~beside)  # a chin
    assert not done.any()
    assert (np.abs(angles[done]) < np.pi / 2).all()


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
    results = [filled(truth, paint=level) for level in (0, 255)]
    (one, done), (other, _) = results
    np.testing.assert_array_equal(one[done], other[done])


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
    fine = noise(SIDE, SIDE).astype(np.float32)[..., :1] - 128
    photo = np.clip(128 + 0.06 * fine, 0, 255).astype(np.uint8).repeat(3, axis=2)
    made, done = filled(photo)
    assert 0.4 < made[done].std() / photo[done].std() < 1.2


def test_an_edge_beyond_an_end_is_not_repeated():
    sizes, angles = on_rings(UPRIGHT)
    turned = np.degrees(np.abs(angles))
    fine = noise(SIDE, SIDE).astype(np.float32)[..., 0] - 128
    line = np.abs(turned - 45) < 0.7  # repeated, it would be at 25 degrees
    photo = np.where(line, 0, 200 + 0.05 * fine)[..., None].repeat(3, axis=2)
    made, done = filled(photo.astype(np.uint8), turned < 35)
    assert made[done & (sizes > 0.6)].min() > 175


def test_large_photos_are_filled_as_small_ones_are():
    truth = ringed()
    made, done = filled(truth)
    times = 6  # more rings than are looked at
    large = cv2.resize(truth, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR)
    hole = WEDGE.repeat(times, 0).repeat(times, 1)
    to_square = TO_SQUARE.copy()
    to_square[:, :2] /= times
    to_square[:, 2] = to_square @ (*[(1 - times) / 2] * 2, 1.0)
    again, _ = fill_between_halves(large, hole, ~hole, to_square, UPRIGHT, OUTLINE)
    small = cv2.resize(again, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    inner = cv2.erode(done.astype(np.uint8), np.ones((5, 5))) > 0
    assert np.abs(small[inner].astype(int) - made[inner]).mean() < 4.0


def test_no_edge_shows_where_a_gap_ends_above_what_is_known():
    sizes, angles = on_rings(UPRIGHT)
    photo = np.where(sizes < 0.5, 140, 100).astype(np.uint8)[..., None].repeat(3, 2)
    hole = (sizes > 0.5) & (np.abs(angles) < 0.5)
    made, done = filled(photo, hole)
    above = (sizes[:, 160] > 0.5) & (sizes[:, 160] < 0.95) & (ROWS[:, 0] < 172)
    assert done[above, 160].all()
    column = made[:, 160, 0].astype(int)
    assert np.abs(np.diff(column[45:160])).max() <= 20
    assert np.abs(column[above & (sizes[:, 160] > 0.75)] - 100).max() <= 4
