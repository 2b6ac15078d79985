"""What is behind heads is of the photo's own background, and fades into the heads."""

import cv2
import numpy as np

from facefill.completion.backgrounds import Background, Behind, patched_behind
from photos import noise

SHAPE = (96, 96)
ROWS, COLUMNS = np.mgrid[:96, :96]
HEAD = np.hypot(ROWS - 60, COLUMNS - 48) < 24
HIDDEN = ROWS < 50
WALL = noise(*SHAPE) // 8 + np.uint8(64)
RED, GREEN = np.array((128, 0, 0), np.uint8), np.array((0, 128, 0), np.uint8)


def behind(hidden, known, outlines, fades, right=None, given=None):
    """What is known, of one side alone unless there are two."""
    right = np.ones(hidden.shape, np.float32) if right is None else right
    given = known if given is None else given
    return Behind(hidden, known, given, outlines, fades, right)


def patched(photo=WALL, known=~HIDDEN, fade=4.0, **options):
    fades = np.full(SHAPE, fade, np.float32)
    return patched_behind(photo, behind(HIDDEN, known, HEAD, fades, **options))


RIGHT = np.clip((COLUMNS - 39.5) / 16, 0, 1).astype(np.float32)


def painted_wall():
    """A wall that is red on the left and green on the right."""
    return WALL + np.where((COLUMNS < 48)[..., None], RED, GREEN)


def test_the_share_of_patches_falls_by_the_distance_from_the_outline():
    shares = patched().shares
    assert (shares[HIDDEN & ~HEAD] == 1.0).all()
    assert (shares[~HIDDEN] == 0.0).all()
    # Straight down from the top of the head, which is at row 36.
    np.testing.assert_allclose(
        shares[36:43, 48], [1.0, 0.8, 0.6, 0.4, 0.2, 0.0, 0.0], atol=1e-6
    )


def test_nothing_is_copied_from_heads():
    painted = np.where(HEAD[..., None], np.uint8(255), WALL)
    assert patched(painted).patched[HIDDEN & ~HEAD].max() < 128


def test_nothing_unknown_is_read():
    known = ~HIDDEN & (COLUMNS > 10)
    one, two = (
        patched(np.where(known[..., None], WALL, paint), known)
        for paint in (np.uint8(0), noise(*SHAPE, 3))
    )
    filled = one.shares > 0.0
    assert np.array_equal(one.patched[filled], two.patched[filled])


def test_each_head_fades_by_its_own_width():
    widths = np.where(COLUMNS < 48, 0.0, 4.0).astype(np.float32)
    shares = patched_behind(WALL, behind(HIDDEN, ~HIDDEN, HEAD, widths)).shares
    within = HIDDEN & HEAD
    assert (shares[within & (COLUMNS < 48)] == 0.0).all()
    assert (shares[within & (COLUMNS >= 48)] > 0.0).any()


def test_in_a_large_photo_the_background_has_the_grain_of_what_is_known():
    shape = (1200, 1600)
    wall = np.full((*shape, 3), 120, np.uint8) + noise(*shape) // 16
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    head = np.hypot(rows - 700, columns - 800) < 300
    hidden = rows < 500
    fades = np.full(shape, 8.0, np.float32)
    made = patched_behind(wall, behind(hidden, ~hidden, head, fades))
    fine = made.patched - cv2.GaussianBlur(made.patched, (0, 0), 2.0).astype(np.float32)
    filled = fine[50:450, 50:1550]
    assert 0.7 < filled.std() / fine[1050:].std() < 1.3


def test_where_nothing_is_known_near_a_part_it_is_left():
    shape = (400, 400)
    wall = noise(*shape) // 8 + np.uint8(64)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    hidden = (rows < 40) & (columns < 40)
    head = (rows < 300) & (columns < 300) & ~hidden
    fades = np.full(shape, 2.0, np.float32)
    made = patched_behind(wall, behind(hidden, ~hidden, head, fades))
    assert not made.shares.any()
    assert np.array_equal(made.patched[~hidden], wall[~hidden])


def test_with_too_little_known_nothing_is_filled():
    known = ~HIDDEN & (ROWS > 90)
    background = patched(known=known)
    assert not background.shares.any()
    assert not background.filled.any()


def test_behind_each_side_of_a_head_is_what_is_known_beside_that_side():
    made = patched(painted_wall(), right=RIGHT).patched
    shown = HIDDEN & ~HEAD
    left, right = made[shown & (COLUMNS < 40)], made[shown & (COLUMNS >= 56)]
    assert (left[:, 0] > 180).all()
    assert (left[:, 1] < 110).all()
    assert (right[:, 1] > 180).all()
    assert (right[:, 0] < 110).all()


def test_behind_the_middle_of_a_head_both_sides_are_blended():
    made = patched(painted_wall(), right=RIGHT).patched.astype(float)
    redness = (made[..., 0] - made[..., 1])[:30].mean(axis=0)
    assert redness[38] > 110
    assert redness[57] < -110
    assert np.abs(np.diff(redness[38:58])).max() < 40


def test_beside_a_side_of_which_nothing_is_known_is_what_is_known_elsewhere():
    known = ~HIDDEN & (COLUMNS < 48)
    background = patched(painted_wall(), known, right=RIGHT)
    shown = HIDDEN & ~HEAD
    assert background.filled[shown].all()
    assert (background.patched[shown][:, 0] > 180).all()


def test_a_side_of_many_colours_is_filled_with_what_is_known_of_both():
    crowd = (ROWS // 4 + COLUMNS // 4) % 2 > 0
    stripes = np.where(crowd[..., None], WALL, WALL + GREEN)
    photo = np.where((COLUMNS < 48)[..., None], WALL + RED, stripes)
    known = ~HIDDEN & ((COLUMNS < 48) | (ROWS > 80))
    both, sided = (
        patched(photo, known, **options) for options in ({}, {"right": RIGHT})
    )
    shown = HIDDEN & ~HEAD & (COLUMNS > 60)
    assert (both.patched[shown][:, 0] > 180).any()
    assert (sided.patched[shown][:, 0] > 180).any()


def test_a_strip_in_which_no_patch_finds_room_says_nothing_of_its_side():
    strip = (COLUMNS > 90) & ~HIDDEN
    known = ~HIDDEN & (COLUMNS < 48) | strip
    photo = np.where(strip[..., None], WALL + GREEN, WALL + RED)
    made = patched(photo, known, right=RIGHT).patched
    shown = HIDDEN & ~HEAD
    assert (made[shown].max(axis=-1) > 100).all()  # nothing is black
    assert (made[shown & (COLUMNS > 60)][:, 0] > 180).any()


def test_what_was_mirrored_says_nothing_of_the_side_where_it_is_now():
    left, mirrored = ~HIDDEN & (COLUMNS < 48), (COLUMNS >= 48) & (ROWS > 70)
    photo = np.where(mirrored[..., None], WALL, WALL + RED)
    alone, besides = (
        patched(photo, left | mirrored, right=RIGHT, given=given).patched
        for given in (left, left | mirrored)
    )
    shown = HIDDEN & ~HEAD & (COLUMNS > 56)
    assert (besides[shown][:, 0] < 110).all()
    assert (alone[shown][:, 0] > 180).any()


def test_patches_lie_over_a_photo_by_their_shares():
    shares = np.linspace(0.0, 1.0, 96, dtype=np.float32)[None].repeat(96, axis=0)
    above = np.full((*SHAPE, 3), 200, np.uint8)
    below = np.full((*SHAPE, 3), 100, np.uint8)
    laid = Background(above, shares).laid_on(below, ROWS < 48)
    expected = np.where(ROWS < 48, np.round(100 + 100 * shares), 100)
    np.testing.assert_allclose(laid[..., 0], expected, atol=1)
    assert np.array_equal(laid[48:], below[48:])
