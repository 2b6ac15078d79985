"""A background that came with a mirrored half goes where it is not that of its side."""

import numpy as np
import pytest

from facefill.completion.head_outlines import UPRIGHT
from facefill.completion.mirrored_backgrounds import misplaced_background
from facefill.completion.mirrored_heads import mirrored_head
from photos import noise

SIDE, CROP = 240, 80
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
MIDDLE = (SIDE - 1) / 2
TO_SQUARE = np.array([[1.0, 0.0, -MIDDLE], [0.0, 1.0, -MIDDLE]]) / CROP
TO_SQUARE[:, 2] += 0.5
HEAD = np.hypot((COLUMNS - MIDDLE) / 0.6, (ROWS - MIDDLE) / 0.8) < CROP
HOLE = COLUMNS - 2 * ROWS > -20
ABOVE = ROWS < MIDDLE + 0.4 * CROP
GREY = np.array((110, 110, 110), np.uint8)
BLUE, GREEN = np.array((40, 60, 190), np.uint8), np.array((60, 170, 60), np.uint8)
SKIN = np.array((200, 140, 110), np.uint8)


def wall(left, right):
    """Photo of a head before a wall of two colours."""
    behind = np.where((COLUMNS < MIDDLE)[..., None], left, right)
    grain = noise(SIDE, SIDE) // 16
    return (np.where(HEAD[..., None], SKIN, behind) + grain).astype(np.uint8)


def misplaced(photo, known=~HOLE):
    photo = np.where(known[..., None], photo, 0).astype(np.uint8)
    image = mirrored_head(photo, known, TO_SQUARE, UPRIGHT)
    mirrored = ~known & image.head & image.shown
    made = np.where(mirrored[..., None], image.picture, photo)
    tops = np.zeros_like(mirrored)
    found = misplaced_background(made, known, mirrored, tops, TO_SQUARE, UPRIGHT)
    assert not (found & ~mirrored).any()
    return found, mirrored & ABOVE


def test_the_flag_behind_one_half_is_taken_out_of_the_sky_behind_the_other():
    found, mirrored = misplaced(wall(BLUE, GREEN))
    assert (mirrored & ~HEAD).sum() > 1000
    assert found[mirrored & ~HEAD].mean() > 0.95
    assert found[mirrored & HEAD].mean() < 0.02


def test_in_a_large_photo_the_same_is_found_along_the_heads_outline():
    large, known = (
        each.repeat(5, 0).repeat(5, 1) for each in (wall(BLUE, GREEN), ~HOLE)
    )
    to_square = TO_SQUARE.copy()
    to_square[:, :2] /= 5
    to_square[:, 2] -= 2 * to_square[:, :2].sum(axis=1)
    image = mirrored_head(large, known, to_square, UPRIGHT)
    mirrored = ~known & image.head & image.shown
    made = np.where(mirrored[..., None], image.picture, large * known[..., None])
    found = misplaced_background(
        made, known, mirrored, np.zeros_like(known), to_square, UPRIGHT
    )
    head, above = (each.repeat(5, 0).repeat(5, 1) for each in (HEAD, ABOVE))
    assert found[mirrored & above & ~head].mean() > 0.95
    assert found[mirrored & head].mean() < 0.02


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (GREY, GREY),
        (BLUE, BLUE + np.uint8(8)),  # no one sees it
    ],
)
def test_what_may_as_well_be_behind_the_other_half_stays(left, right):
    found, mirrored = misplaced(wall(left, right))
    assert (mirrored & ~HEAD).any()
    assert not found.any()


def test_before_a_crowd_all_stays():
    stripes = np.where(((ROWS // 6 + COLUMNS // 6) % 2 > 0)[..., None], GREEN, SKIN)
    found, mirrored = misplaced(wall(BLUE, stripes))
    assert (mirrored & ~HEAD).any()
    assert not found.any()


def test_where_nothing_is_known_of_its_own_side_all_stays():
    hole = COLUMNS > MIDDLE
    found, mirrored = misplaced(wall(BLUE, GREEN), ~hole)
    assert (mirrored & ~HEAD).any()
    assert not found.any()


def test_of_hidden_pixels_nothing_is_read():
    known = ~HOLE
    photo = wall(BLUE, GREEN)
    image = mirrored_head(photo, known, TO_SQUARE, UPRIGHT)
    mirrored = ~known & image.head & image.shown
    one, two = (
        misplaced_background(
            np.where(
                mirrored[..., None],
                image.picture,
                np.where(known[..., None], photo, paint),
            ).astype(np.uint8),
            known,
            mirrored,
            np.zeros_like(known),
            TO_SQUARE,
            UPRIGHT,
        )
        for paint in (np.uint8(0), noise(SIDE, SIDE, 3))
    )
    assert one.any()
    assert np.array_equal(one, two)


def test_a_hat_between_both_halves_is_of_the_head():
    photo, known = wall(BLUE, GREEN), ~HOLE
    image = mirrored_head(photo, known, TO_SQUARE, UPRIGHT)
    mirrored = ~known & image.head & image.shown
    top = ~known & ~mirrored & (np.abs(COLUMNS - MIDDLE) < 40) & (ROWS < 60)
    made = np.where(mirrored[..., None], image.picture, photo)
    below = mirrored & (np.abs(COLUMNS - MIDDLE - 30) < 5) & (ROWS > 62) & (ROWS < 70)
    kept, taken = (
        misplaced_background(made, known, mirrored, tops, TO_SQUARE, UPRIGHT)
        for tops in (top, np.zeros_like(top))
    )
    assert below.any()
    assert (below & ~HEAD & taken).any()
    assert not (below & kept).any()
