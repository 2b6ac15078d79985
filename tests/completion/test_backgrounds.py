"""What is behind heads is of the photo's own background, and fades into the heads."""

import cv2
import numpy as np

from facefill.completion.backgrounds import Background, patched_behind
from photos import noise

SHAPE = (96, 96)
ROWS, COLUMNS = np.mgrid[:96, :96]
HEAD = np.hypot(ROWS - 60, COLUMNS - 48) < 24
HIDDEN = ROWS < 50
WALL = noise(*SHAPE) // 8 + np.uint8(64)


def patched(photo=WALL, known=~HIDDEN, fade=4.0):
    return patched_behind(photo, HIDDEN, known, HEAD, np.full(SHAPE, fade, np.float32))


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
    shares = patched_behind(WALL, HIDDEN, ~HIDDEN, HEAD, widths).shares
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
    made = patched_behind(wall, hidden, ~hidden, head, fades)
    fine = made.patched - cv2.GaussianBlur(made.patched, (0, 0), 2.0).astype(np.float32)
    behind = fine[50:450, 50:1550]
    assert 0.7 < behind.std() / fine[1050:].std() < 1.3


def test_where_nothing_is_known_near_a_part_it_is_left():
    shape = (400, 400)
    wall = noise(*shape) // 8 + np.uint8(64)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    hidden = (rows < 40) & (columns < 40)
    head = (rows < 300) & (columns < 300) & ~hidden
    fades = np.full(shape, 2.0, np.float32)
    made = patched_behind(wall, hidden, ~hidden, head, fades)
    assert not made.shares.any()
    assert np.array_equal(made.patched[~hidden], wall[~hidden])


def test_with_too_little_known_nothing_is_filled():
    known = ~HIDDEN & (ROWS > 90)
    background = patched(known=known)
    assert not background.shares.any()
    assert not background.filled.any()


def test_patches_lie_over_a_photo_by_their_shares():
    shares = np.linspace(0.0, 1.0, 96, dtype=np.float32)[None].repeat(96, axis=0)
    above = np.full((*SHAPE, 3), 200, np.uint8)
    below = np.full((*SHAPE, 3), 100, np.uint8)
    laid = Background(above, shares).laid_on(below, ROWS < 48)
    expected = np.where(ROWS < 48, np.round(100 + 100 * shares), 100)
    np.testing.assert_allclose(laid[..., 0], expected, atol=1)
    assert np.array_equal(laid[48:], below[48:])
