"""What a hole hides of a head beyond its face is the head's other half."""

import cv2
import numpy as np
import pytest

from facefill.completion import heads
from facefill.completion.faces import FaceInPhoto
from facefill.completion.heads import continue_heads, fill_beside_heads
from facefill.completion.mirrored_heads import Mirror
from facefill.imaging.degradations import Inpainting
from facefill.inversion.measurement import Measurement
from photos import noise

SIDE = 120
SIZE = 16  # of the face, whose crop is 40 pixels of the photo
NOTHING = np.zeros((SIDE, SIDE), bool)
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
TEAR = 2 * ROWS - COLUMNS < 20  # of a corner, across the forehead


def face(degrees=0.0):
    """Face in the middle of the photo, turned in its plane."""
    known = np.ones((SIZE, SIZE), bool)
    turned = cv2.getRotationMatrix2D((59.5, 59.5), degrees, SIZE / 40)
    turned[:, 2] += (SIZE - 1) / 2 - 59.5
    crop = np.zeros((SIZE, SIZE, 3), np.uint8)
    return FaceInPhoto(Measurement("a", crop, known, Inpainting()), turned, known)


def symmetric(degrees=0.0):
    """Photo that is its own mirror image at the middle of such a face."""
    smooth = cv2.GaussianBlur(noise(SIDE, SIDE), (0, 0), 5).astype(np.float32)
    smooth = 8 * (smooth - smooth.mean()) + 128
    both = np.clip((smooth + smooth[:, ::-1]) / 2, 0, 255).astype(np.uint8)
    back = cv2.getRotationMatrix2D((59.5, 59.5), degrees, 1.0)
    return cv2.warpAffine(
        both,
        back,
        (SIDE, SIDE),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def near(margin):
    """Pixels at most so far from the middle of the photo."""
    return margin**2 > (ROWS - 59.5) ** 2 + (COLUMNS - 59.5) ** 2


@pytest.mark.parametrize(
    ("hole", "degrees"),
    [
        (COLUMNS > 64, 0.0),
        (COLUMNS > 64, 25.0),
        (COLUMNS < 50, 0.0),
        (COLUMNS < 50, -25.0),
        (ROWS + COLUMNS < 100, 25.0),
        (ROWS > 66, -110.0),
    ],
)
def test_the_hidden_half_of_a_symmetric_head_comes_back(hole, degrees):
    truth = symmetric(degrees)
    damaged = np.where(hole[..., None], 0, truth).astype(np.uint8)
    made = continue_heads(damaged, hole, hole, [face(degrees)])
    image = mirrored_of(hole, degrees)
    shown = (made.shares > 0) & ~image & near(50)
    assert shown.sum() > 100
    assert np.abs(made.photo[shown].astype(int) - truth[shown]).mean() < 3.0


@pytest.mark.parametrize("mirror", [Mirror(0.1, 0.7), Mirror(-0.1, 1.4)])
def test_the_hidden_half_of_a_turned_head_comes_back_as_wide_as_it_was(
    mirror, monkeypatch
):
    monkeypatch.setattr(heads, "find_mirror", lambda *_: mirror)
    across = ((COLUMNS - 59.5) / 40).astype(np.float32)
    straight = symmetric()
    places = (40 * mirror.unturned(across) + 59.5).astype(np.float32)
    rows = ROWS.astype(np.float32)
    truth = cv2.remap(straight, places, rows, cv2.INTER_CUBIC)
    hole = COLUMNS > 68
    head = continue_heads(truth * ~hole[..., None], hole, hole, [face()])
    judged = (head.shares == 1.0) & near(45)
    assert judged.sum() > 500
    difference = head.photo[judged].astype(float) - truth[judged]
    assert np.abs(difference).mean() < 3.0


def mirrored_of(mask, degrees):
    """Mirror image of a mask at the middle of a face, grown by a pixel."""
    back = cv2.getRotationMatrix2D((59.5, 59.5), degrees, 1.0)
    upright = cv2.warpAffine(mask.astype(np.float32), back, (SIDE, SIDE))[:, ::-1]
    turned = cv2.warpAffine(
        np.ascontiguousarray(upright), back, (SIDE, SIDE), flags=cv2.WARP_INVERSE_MAP
    )
    return cv2.dilate((turned > 0.0).astype(np.uint8), np.ones((5, 5))) > 0


@pytest.mark.parametrize("hole", [COLUMNS > 54, COLUMNS > 64, TEAR])
def test_nothing_depends_on_what_is_under_the_hole(hole):
    photo = symmetric()
    one, two = (
        fill_beside_heads(
            hole, [face()], np.where(hole[..., None], paint, photo), hole, NOTHING
        )
        for paint in (np.uint8(255), noise(SIDE, SIDE, 3))
    )
    assert np.array_equal(one, two)
    assert np.array_equal(one[~hole], photo[~hole])


@pytest.mark.parametrize("hole", [COLUMNS > 60, TEAR])
def test_only_what_is_wanted_is_filled(hole):
    wanted = hole & (ROWS < 50)
    photo = noise(SIDE, SIDE)
    made = continue_heads(photo, hole, wanted, [face()])
    filled = made.shares > 0
    assert not filled[~wanted].any()
    assert np.array_equal(made.photo[~filled], photo[~filled])
    assert made.heads[wanted & (made.shares == 1)].all()


def test_far_from_the_head_nothing_is_mirrored():
    hole = COLUMNS > 60
    made = continue_heads(noise(SIDE, SIDE), hole, hole, [face()])
    assert made.shares[60, 90] == 1
    assert 0 < made.shares[60, 101] < 1
    assert made.shares[60, 112] == 0
    assert made.shares[2, 100] == 0


def test_where_halves_differ_in_light_no_edge_shows():
    photo = np.full((SIDE, SIDE, 3), 100, np.uint8)
    photo[:, COLUMNS[0] < 60] = 60  # lit from the right
    hole = COLUMNS > 75
    made = continue_heads(photo, hole, hole, [face()])
    edge = made.photo[60, 74:78, 0].astype(int)
    assert np.abs(np.diff(edge)).max() <= 4


def test_what_neither_half_shows_is_of_the_same_head():
    photo = np.full((SIDE, SIDE, 3), 30, np.uint8)
    head = near(38)
    photo[head] = (200, 150, 120)
    hole = COLUMNS > 50
    made = fill_beside_heads(
        hole,
        [face()],
        np.where(hole[..., None], 0, photo).astype(np.uint8),
        hole,
        NOTHING,
    )
    gap = (COLUMNS > 52) & (COLUMNS < 66) & near(30)
    assert np.abs(made[gap].astype(int) - photo[gap]).max() <= 12
    right = (COLUMNS > 70) & (ROWS < 60) & near(32)
    assert np.abs(made[right].astype(int) - photo[right]).max() <= 12


def typical_head():
    """Photo of a dark background, and a head as bright as its hair, 26 pixels wide."""
    photo = np.full((SIDE, SIDE, 3), 30, np.uint8)
    above = np.minimum(ROWS - 44.3, 0.0) / 28.4
    photo[np.hypot((COLUMNS - 59.5) / 26.4, above) < 1.0] = 160
    return photo


def test_hair_above_a_tear_is_round():
    truth = typical_head()
    damaged = np.where(TEAR[..., None], noise(SIDE, SIDE), truth)
    made = fill_beside_heads(TEAR, [face()], damaged, TEAR, NOTHING)
    gap = TEAR & TEAR[:, ::-1]
    assert (truth[gap] == 160).any()
    assert (truth[gap] == 30).any()
    wrong = np.abs(made.astype(int) - truth).max(axis=-1) > 40
    # What is wrong is at the outline, where a pixel counts.
    assert wrong[gap].mean() < 0.08


def test_above_a_face_nothing_is_guessed_that_its_photo_can_continue():
    photo = symmetric()
    made = continue_heads(photo, TEAR, TEAR, [face()])
    assert not made.shares[2, 100]
    assert made.shares[30, 59] == 1.0


@pytest.mark.parametrize(
    "hole",
    [
        np.abs(COLUMNS - 80) < 3,  # a scratch
        (COLUMNS > 75) & (COLUMNS < 95) & (np.abs(ROWS - 60) < 12),  # an eye's margin
    ],
)
def test_what_reaches_little_beyond_the_face_is_left_to_inpainting(hole):
    photo = noise(SIDE, SIDE)
    made = continue_heads(photo, hole, hole, [face()])
    assert not made.shares.any()
    assert made.photo is photo


def test_below_a_tear_the_body_is_soft_and_of_the_photos_level():
    rows = np.linspace(90, 160, SIDE)[:, None, None]
    photo = np.broadcast_to(rows, (SIDE, SIDE, 3)).astype(np.uint8)
    hole = ROWS > 70
    damaged = np.where(hole[..., None], noise(SIDE, SIDE), photo)
    made = continue_heads(damaged, hole, hole, [face()])
    assert (made.shares[hole] == 1).all()
    below = made.photo[71:].astype(int)
    # Next to the edge it is as bright as the photo, and nowhere there is an edge.
    assert np.abs(below[0] - photo[70]).max() <= 8
    for axis in (0, 1):
        assert np.abs(np.diff(below, axis=axis)).max() <= 16


def test_what_nothing_is_known_of_is_left():
    nothing = np.ones((SIDE, SIDE), bool)
    nothing[:3, :3] = False
    made = continue_heads(noise(SIDE, SIDE), nothing, nothing, [face()])
    assert not made.shares.any()
