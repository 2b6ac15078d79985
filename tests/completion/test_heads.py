"""What a hole hides of a head is its other half, or painted, as is what is around."""

import cv2
import numpy as np
import pytest

from facefill.completion import head_halves, heads, levels
from facefill.completion.backgrounds import Background
from facefill.completion.faces import FaceInPhoto
from facefill.completion.head_outlines import Mirror
from facefill.completion.heads import continue_heads, fill_beside_heads
from facefill.imaging.degradations import Inpainting
from facefill.inversion.measurement import Measurement
from heads import astronaut
from photos import noise

SIDE = 120
SIZE = 16  # of the face, whose crop is 40 pixels of the photo
NOTHING = np.zeros((SIDE, SIDE), bool)
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
TEAR = 2 * ROWS - COLUMNS < 20  # of a corner, across the forehead


def face(middle=(59.5, 59.5), side=40, degrees=0.0):
    """Face in a photo, turned in its plane."""
    known = np.ones((SIZE, SIZE), bool)
    to_face = cv2.getRotationMatrix2D(middle, degrees, SIZE / side)
    to_face[:, 2] += (SIZE - 1) / 2 - np.array(middle)
    crop = np.zeros((SIZE, SIZE, 3), np.uint8)
    return FaceInPhoto(Measurement("a", crop, known, Inpainting()), to_face, known)


def smooth():
    blurred = cv2.GaussianBlur(noise(SIDE, SIDE), (0, 0), 5).astype(np.float32)
    return np.clip(4 * (blurred - blurred.mean()) + 128, 0, 255).astype(np.uint8)


def symmetric(degrees=0.0):
    """Photo that is its own mirror image at the middle of such a face."""
    smooth = cv2.GaussianBlur(noise(SIDE, SIDE), (0, 0), 5).astype(np.float32)
    # Before a wall that is the same on both sides.
    smooth = 8 * (smooth - smooth.mean()) * near(30)[..., None] + 128
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
    made, *_ = continue_heads(damaged, hole, [face(degrees=degrees)])
    image = mirrored_of(hole, degrees)
    shown = hole & ~image & near(42)
    assert shown.sum() > 100
    assert np.abs(made[shown].astype(int) - truth[shown]).mean() < 3.0


@pytest.mark.parametrize("mirror", [Mirror(0.1, 0.7), Mirror(-0.1, 1.4)])
def test_the_hidden_half_of_a_turned_head_comes_back_as_wide_as_it_was(
    mirror, monkeypatch
):
    monkeypatch.setattr(head_halves, "find_mirror", lambda *_: mirror)
    across = ((COLUMNS - 59.5) / 40).astype(np.float32)
    straight = symmetric()
    places = (40 * mirror.unturned(across) + 59.5).astype(np.float32)
    rows = ROWS.astype(np.float32)
    truth = cv2.remap(straight, places, rows, cv2.INTER_CUBIC)
    hole = COLUMNS > 68
    made, *_ = continue_heads(truth * ~hole[..., None], hole, [face()])
    judged = hole & near(40)
    assert judged.sum() > 500
    difference = made[judged].astype(float) - truth[judged]
    assert np.abs(difference).mean() < 3.0


@pytest.mark.parametrize(("width", "is_mirrored"), [(1.0, True), (1.6, False)])
def test_half_of_what_a_corner_hides_is_mirrored_of_a_head_that_looks_ahead(
    width, is_mirrored, monkeypatch
):
    monkeypatch.setattr(head_halves, "find_mirror", lambda *_: Mirror(0.0, width))
    truth = symmetric()
    hole = COLUMNS - ROWS > 12
    made, *_ = continue_heads(truth * ~hole[..., None], hole, [face()])
    shown = hole & ~mirrored_of(hole, 0.0) & near(42)
    shares = shown.sum() / (hole & near(42)).sum()
    assert 0.3 < shares < 0.65
    error = np.abs(made[shown].astype(float) - truth[shown]).mean()
    assert (error < 3.0) == is_mirrored


@pytest.mark.parametrize("hole", [COLUMNS > 64, COLUMNS - ROWS > 12])
def test_of_a_head_nothing_of_the_paint_is_read(hole):
    truth = noise(SIDE, SIDE)
    made = [
        continue_heads(
            np.where(hole[..., None], paint, truth), hole, [face((59.2, 59.5))]
        )
        for paint in (np.uint8(0), np.uint8(255))
    ]
    filled = ~made[0][1]
    np.testing.assert_array_equal(made[0][0][filled], made[1][0][filled])


def mirrored_of(mask, degrees):
    """Mirror image of a mask at the middle of a face, grown by a pixel."""
    back = cv2.getRotationMatrix2D((59.5, 59.5), degrees, 1.0)
    upright = cv2.warpAffine(mask.astype(np.float32), back, (SIDE, SIDE))[:, ::-1]
    turned = cv2.warpAffine(
        np.ascontiguousarray(upright), back, (SIDE, SIDE), flags=cv2.WARP_INVERSE_MAP
    )
    return cv2.dilate((turned > 0.0).astype(np.uint8), np.ones((5, 5))) > 0


def test_where_halves_differ_in_light_no_edge_shows():
    photo = np.full((SIDE, SIDE, 3), 100, np.uint8)
    photo[:, COLUMNS[0] < 60] = 60  # lit from the right
    hole = COLUMNS > 75
    made, *_ = continue_heads(photo, hole, [face()])
    edge = made[60, 74:78, 0].astype(int)
    assert np.abs(np.diff(edge)).max() <= 4


@pytest.mark.parametrize("degrees", [0.0, 30.0])
@pytest.mark.parametrize("hole", [COLUMNS > 54, ROWS > 70, TEAR])
def test_nothing_depends_on_what_is_under_the_hole(hole, degrees):
    photo = smooth()
    one, two = (
        fill_beside_heads(
            [face(degrees=degrees)],
            np.where(hole[..., None], paint, photo),
            hole,
            NOTHING,
        )
        for paint in (np.uint8(255), noise(SIDE, SIDE, 3))
    )
    assert np.array_equal(one, two)
    assert np.array_equal(one[~hole], photo[~hole])


@pytest.mark.parametrize("hole", [COLUMNS > 60, TEAR])
def test_only_what_is_wanted_is_filled(hole):
    wanted = hole & (ROWS < 50)
    photo = noise(SIDE, SIDE)
    made, left, _ = continue_heads(photo, wanted, [face()])
    assert not left.any()
    assert np.array_equal(made[~wanted], photo[~wanted])
    assert (made[wanted] != photo[wanted]).any()


def test_beyond_the_picture_of_a_head_the_photo_goes_on_without_detail():
    tall = cv2.resize(smooth(), (120, 240))
    hole = np.zeros(tall.shape[:2], bool)
    hole[70:] = True
    made, left, _ = continue_heads(tall, hole, [face()])
    assert not left.any()
    # The pictures of the head end at 104.5, 115.5, 129.5 and 147.5.
    fine = made.astype(np.float32) - cv2.GaussianBlur(made, (0, 0), 3.0)
    assert np.abs(fine[75:140]).mean() > 2.0 * np.abs(fine[155:]).mean()
    steps = np.abs(np.diff(made[:, 20:100].astype(int), axis=0)).mean(axis=(1, 2))
    assert max(steps[end] for end in (104, 115, 129, 147)) < 12.0


def test_at_the_edge_of_the_hole_it_is_of_the_photos_level(monkeypatch):
    def black(photo, *_, **__):
        return np.zeros_like(photo)

    monkeypatch.setattr(heads, "painted_head", black)
    rows = np.linspace(90, 160, SIDE)[:, None, None]
    photo = np.broadcast_to(rows, (SIDE, SIDE, 3)).astype(np.uint8)
    hole = ROWS > 70
    damaged = np.where(hole[..., None], noise(SIDE, SIDE), photo)
    made, *_ = continue_heads(damaged, hole, [face()])
    below = made[71, 35:85].astype(int)  # of the head
    assert np.abs(below - photo[70, 35:85]).max() <= 8


def test_below_a_torn_face_there_is_more_than_a_blur():
    photo, _ = astronaut()
    hole = np.zeros(photo.shape[:2], bool)
    hole[185:] = True
    damaged = np.where(hole[..., None], np.uint8(0), photo)
    of_her = face((224.0, 118.0), 107)
    made = fill_beside_heads([of_her], damaged, hole, np.zeros_like(hole))
    below = made[190:230, 150:300].astype(np.float32)
    soft = cv2.GaussianBlur(below, (0, 0), 6.0)
    assert (below - soft).std() > 4.0


@pytest.mark.parametrize(
    "hole",
    [
        np.abs(COLUMNS - 80) < 3,  # a scratch
        (COLUMNS > 75) & (COLUMNS < 95) & (np.abs(ROWS - 60) < 12),  # an eye's margin
    ],
)
def test_what_reaches_little_beyond_the_face_is_left_to_inpainting(hole):
    photo = noise(SIDE, SIDE)
    made, left, _ = continue_heads(photo, hole, [face()])
    assert np.array_equal(left, hole)
    assert made is photo


def test_what_nothing_is_known_of_is_left():
    nothing = np.ones((SIDE, SIDE), bool)
    nothing[:3, :3] = False
    _, left, _ = continue_heads(noise(SIDE, SIDE), nothing, [face()])
    assert np.array_equal(left, nothing)


def test_of_two_heads_in_one_hole_both_are_painted(monkeypatch):
    def of_one_colour(photo, known, wanted, to_head, **_):
        level = 60 if to_head[0, 2] > 0 else 190  # it begins left of the photo
        return np.full_like(photo, level)

    monkeypatch.setattr(heads, "painted_head", of_one_colour)
    wide = np.full((120, 240, 3), 128, np.uint8)
    hole = np.zeros(wide.shape[:2], bool)
    hole[75:] = True
    both = [face((40.0, 59.5)), face((200.0, 59.5))]
    made, left, _ = continue_heads(wide, hole, both)
    assert not left.any()
    # Far from the edge of the hole, whose level both have.
    assert made[118, 30:50].max() < 128 < made[118, 190:210].min()


def test_what_is_behind_a_head_is_of_the_photos_background_and_not_of_the_body():
    wall = noise(160, 300) // 4 + np.uint8(128)
    photo = np.where(body()[..., None], np.array((250, 10, 10), np.uint8), wall)
    hole = np.zeros(photo.shape[:2], bool)
    hole[:70, 155:] = True
    made, left, _ = continue_heads(
        photo * ~hole[..., None], hole, [face((149.5, 79.5))]
    )
    behind = hole & (np.mgrid[:160, :300][1] > 190)
    assert not left.any()
    assert np.abs(made[behind].astype(float).mean(axis=0) - wall.mean()).max() < 10.0
    assert made[behind].std() > 0.7 * wall.std()
    assert (made[behind, 1] > 100).all()


def test_behind_the_hidden_half_of_a_head_is_what_is_known_beside_that_half(
    monkeypatch,
):
    monkeypatch.setattr(head_halves, "find_mirror", lambda *_: Mirror(0.0, 1.0))
    rows, columns = np.mgrid[:240, :240]
    head = np.hypot((columns - 119.5) / 0.6, (rows - 119.5) / 0.8) < 80
    wall = np.where((columns < 120)[..., None], (40, 60, 190), (60, 170, 60))
    truth = np.where(head[..., None], (200, 140, 110), wall) + noise(240, 240) // 16
    hole = columns - 2 * rows > -20
    made, *_ = continue_heads(
        (truth * ~hole[..., None]).astype(np.uint8), hole, [face((119.5, 119.5), 80)]
    )
    behind = hole & (columns > 172)
    assert (made[behind, 1] > made[behind, 2]).mean() > 0.98


@pytest.mark.parametrize(("width", "is_painted"), [(12, False), (30, True)])
def test_of_what_is_left_of_a_head_a_stripe_is_not_painted(
    monkeypatch, width, is_painted
):
    def all_but_a_stripe(photo, behind):
        stripe = np.abs(COLUMNS - 60) < width / 2
        return Background(photo, (behind.hidden & ~stripe).astype(np.float32))

    asked = []

    def nothing(photo, known, wanted, *_, **__):
        asked.append(wanted)

    monkeypatch.setattr(heads, "patched_behind", all_but_a_stripe)
    monkeypatch.setattr(heads, "painted_head", nothing)
    hole = ROWS > 70
    _, left, _ = continue_heads(noise(SIDE, SIDE), hole, [face()])
    assert bool(asked) == is_painted
    # Nothing is painted here: it is left, or goes on smoothly if most is of heads.
    assert np.array_equal(left, hole & (np.abs(COLUMNS - 60) < width / 2))


def test_what_is_painted_fades_into_what_is_behind_it(monkeypatch):
    def black(photo, *_, **__):
        return np.zeros_like(photo)

    monkeypatch.setattr(heads, "painted_head", black)
    monkeypatch.setattr(levels, "_LEVEL_REACH", 1e-3)  # nor is its level carried on
    bright = np.full((160, 300, 3), 200, np.uint8)
    hole = np.zeros(bright.shape[:2], bool)
    hole[:70] = True
    made, *_ = continue_heads(bright * ~hole[..., None], hole, [face((149.5, 79.5))])
    # Across the outline, beside the middle of the face: 34 pixels from it, fading in 5.
    across = made[66, 100:150, 0].astype(int)
    assert across[0] == 200
    assert across[-1] < 40
    assert np.diff(across).min() > -80


def body():
    """Head and shoulders of a face in the middle of a wide photo."""
    rows, columns = np.mgrid[:160, :300]
    beside = np.abs(columns - 149.5)
    head = np.hypot(beside / 24, (rows - 72) / 34) < 1.0
    return head | ((rows > 110) & (beside < 90))


def test_where_next_to_nothing_is_known_behind_a_head_it_is_painted(monkeypatch):
    def black(photo, *_, **__):
        return np.zeros_like(photo)

    monkeypatch.setattr(heads, "painted_head", black)
    hole = ~near(30)
    bright = np.full((SIDE, SIDE, 3), 200, np.uint8)
    made, left, _ = continue_heads(bright, hole, [face()])
    assert not left.any()
    assert made[:10].max() < 100  # its level has not reached so far


def test_what_goes_on_smoothly_has_the_grain_of_what_is_around():
    grainy = np.full((120, 300, 3), 128, np.uint8) + noise(120, 300) // 16
    hole = np.zeros(grainy.shape[:2], bool)
    hole[:, 70:] = True
    made, *_ = continue_heads(grainy, hole, [face()])
    shown, true = (
        (each - cv2.GaussianBlur(each, (0, 0), 1.0).astype(float))[:, 200:]
        for each in (made, grainy)
    )
    assert 0.5 * true.std() < shown.std() < 1.5 * true.std()


def test_another_part_of_the_hole_far_from_heads_is_left_to_inpainting():
    wide = cv2.resize(smooth(), (400, 120))
    torn, away = (np.zeros(wide.shape[:2], bool) for _ in range(2))
    torn[70:, :150] = True
    away[40:80, 300:340] = True
    _, left, _ = continue_heads(wide, torn | away, [face()])
    assert np.array_equal(left, away)


def test_the_top_of_a_mirrored_head_goes_around_it(monkeypatch):
    def black(photo, *_, **__):
        return np.zeros_like(photo)

    monkeypatch.setattr(heads, "painted_head", black)
    monkeypatch.setattr(head_halves, "find_mirror", lambda *_: Mirror(0.0, 1.0))
    beside, above = (COLUMNS - 59.5) / 34, (53.5 - ROWS) / 44  # as outlines are
    truth = np.where(np.hypot(beside, above) < 0.9, 170, 90).astype(np.uint8)
    truth = truth[..., None].repeat(3, axis=2)
    hole = COLUMNS - ROWS > 12
    made, *_ = continue_heads(truth * ~hole[..., None], hole, [face()])
    top = hole & (np.abs(COLUMNS - 60) < 16) & (ROWS > 20) & (ROWS < 30)
    assert top.sum() > 200
    assert np.abs(made[top].astype(int) - truth[top]).mean() < 10.0


def test_what_is_inpainted_below_what_is_behind_heads_fades_into_it(monkeypatch):
    def black(photo, hole, *_):
        return np.where(hole[..., None], 0, photo).astype(np.uint8)

    monkeypatch.setattr(heads, "inpaint", black)
    monkeypatch.setattr(heads, "painted_head", lambda *_, **__: None)
    monkeypatch.setattr(heads, "_LEAST_FRAMED", 1.1)  # nothing goes on smoothly
    bright = np.full((160, 300, 3), 200, np.uint8)
    hole = np.zeros(bright.shape[:2], bool)
    hole[:70] = True
    nothing = np.zeros_like(hole)
    of_one = [face((149.5, 79.5))]
    made = fill_beside_heads(of_one, bright * ~hole[..., None], hole, nothing)
    across = made[66, 100:150, 0].astype(int)
    assert across[0] == 200
    assert across[-1] == 0
    assert np.diff(across).min() > -80


@pytest.mark.parametrize(("width", "is_mirrored"), [(1.0, True), (1.6, False)])
def test_little_that_is_hidden_beside_a_face_is_mirrored_down_to_the_ears(
    width, is_mirrored, monkeypatch
):
    monkeypatch.setattr(head_halves, "find_mirror", lambda *_: Mirror(0.0, width))
    truth = symmetric()
    hole = (np.abs(COLUMNS - 92) < 20) & (ROWS > 36) & (ROWS < 90)
    made, left, _ = continue_heads(truth * ~hole[..., None], hole, [face()])
    above = hole & (ROWS < 62) & (COLUMNS < 90)
    if is_mirrored:
        assert not left[above].any()
        assert np.abs(made[above].astype(float) - truth[above]).mean() < 3.0
    else:
        assert left[above].all()
    assert left[hole & (ROWS > 65)].all()
    assert left[hole & (COLUMNS > 97)].all()  # of the wall
