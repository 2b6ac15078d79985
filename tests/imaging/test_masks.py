from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facefill.errors import MaskError
from facefill.imaging.geometry import shrink, shrinking, warp
from facefill.imaging.masks import (
    bounding_window,
    build_mask,
    hide,
    mask_from_photo,
    mask_from_square,
    mask_within_photo,
)
from facefill.parameters import MaskName

SIZE = 16
HEIGHT, WIDTH = 40, 50


@st.composite
def matrices(draw):
    """Maps from a 40x50 photo to a 16x16 face: turned, sheared, also beyond it."""
    angle = draw(st.floats(-3.2, 3.2))
    scale = draw(st.floats(0.2, 2.0))
    shear = draw(st.floats(-0.3, 0.3))
    x, y = draw(st.floats(-5, 55)), draw(st.floats(-5, 45))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.array([[1.0, shear], [0.0, 1.0]])
    middle = np.full(2, (SIZE - 1) / 2)
    return np.column_stack([linear, middle - linear @ (x, y)])


def holes(seed, share):
    return np.random.default_rng(seed).random((HEIGHT, WIDTH)) < share


WITHOUT_HOLE = {"lowres", "denoise", "colorize"}


@pytest.mark.parametrize("name", sorted(set(get_args(MaskName)) - WITHOUT_HOLE))
@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_every_shape_is_a_square_of_bools(name, size):
    mask = build_mask(name, size)

    assert mask.shape == (size, size)
    assert mask.dtype == np.bool_


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("center", slice(16, 48), slice(16, 48)),
        ("left", slice(0, 64), slice(0, 32)),
        ("right", slice(0, 64), slice(32, 64)),
        ("top", slice(0, 32), slice(0, 64)),
        ("bottom", slice(32, 64), slice(0, 64)),
        ("full", slice(0, 0), slice(0, 0)),
    ],
)
def test_the_hole_is_where_the_reference_has_it_and_false(name, rows, columns):
    expected = np.ones((64, 64), bool)
    expected[rows, columns] = False

    np.testing.assert_array_equal(build_mask(name, 64), expected)


def test_the_grid_leaves_every_fourth_pixel_of_every_fourth_row():
    known = np.argwhere(build_mask("grid", 16)).tolist()

    assert known == [[y, x] for y in (0, 4, 8, 12) for x in (0, 4, 8, 12)]


def test_the_scale_of_the_centre_is_the_share_left_at_each_side():
    mask = build_mask("center", 20, center_scale=0.1)

    assert not mask[2:18, 2:18].any()
    assert mask.sum() == 20 * 20 - 16 * 16


@settings(deadline=None)
@given(
    size=st.sampled_from([16, 32, 64, 128]),
    scale=st.floats(0, 0.5, exclude_min=True, exclude_max=True),
)
def test_the_centre_hides_something_at_any_scale(size, scale):
    mask = build_mask("center", size, center_scale=scale)

    assert not mask.all()


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.8])
def test_the_random_mask_hides_about_the_fraction_asked_for(fraction):
    hidden = (~build_mask("random", 128, random_fraction=fraction, seed=3)).mean()

    # Five standard deviations of a mean of 128 x 128 draws.
    assert abs(hidden - fraction) <= 5 * (fraction * (1 - fraction)) ** 0.5 / 128


def test_the_seed_decides_what_the_random_mask_hides():
    one, again, other = (build_mask("random", 64, seed=seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_an_unknown_shape_is_refused_with_the_names_of_all():
    with pytest.raises(MaskError, match=r"'heart'.*center.*full"):
        build_mask("heart", 64)


@settings(deadline=None)
@given(
    matrix=matrices(),
    seed=st.integers(0, 99),
    share=st.sampled_from([0.0, 0.01, 0.3]),
    beyond=st.integers(0, 255),
)
def test_known_pixels_of_a_face_hold_nothing_of_the_hole_or_from_beyond_the_photo(
    matrix, seed, share, beyond
):
    hole = holes(seed, share)
    photo = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    changed = np.where(hole[..., None], ~photo, photo)

    mask = mask_from_photo(hole, matrix, SIZE)

    factor, of_blocks = shrinking(matrix, hole.shape)
    face, other = (
        cv2.warpAffine(
            shrink(one, factor), of_blocks, (SIZE, SIZE), borderValue=[border] * 3
        )
        for one, border in ((photo, 0), (changed, beyond))
    )
    np.testing.assert_array_equal(face, warp(photo, matrix, SIZE))
    np.testing.assert_array_equal(face[mask], other[mask])


@settings(deadline=None, max_examples=50)
@given(
    matrix=matrices(),
    seed=st.integers(0, 99),
    share=st.sampled_from([0.0, 0.001, 0.02]),
    shrinkage=st.floats(2.0, 12.0),
)
def test_known_pixels_of_a_face_much_larger_hold_nothing_of_the_hole_either(
    matrix, seed, share, shrinkage
):
    large = matrix @ np.diag([1 / shrinkage, 1 / shrinkage, 1.0])
    shape = round(HEIGHT * shrinkage), round(WIDTH * shrinkage)
    draw = np.random.default_rng(seed)
    hole = draw.random(shape) < share
    photo = draw.integers(0, 256, (*shape, 3), np.uint8)
    changed = np.where(hole[..., None], ~photo, photo)

    mask = mask_from_photo(hole, large, SIZE)

    face, other = warp(photo, large, SIZE), warp(changed, large, SIZE)
    np.testing.assert_array_equal(face[mask], other[mask])
    if share == 0.0:
        np.testing.assert_array_equal(mask, mask_within_photo(shape, large, SIZE))


@settings(deadline=None)
@given(matrix=matrices(), seed=st.integers(0, 99), share=st.sampled_from([0.0, 0.05]))
def test_hidden_pixels_of_a_face_are_those_that_read_or_hold_a_hidden_pixel(
    matrix, seed, share
):
    hole = holes(seed, share)

    mask = mask_from_photo(hole, matrix, SIZE)

    # A pixel of the photo is held by the pixel of the face that it falls into.
    hidden_y, hidden_x = np.nonzero(hole)
    held = np.floor(matrix @ (hidden_x, hidden_y, np.ones_like(hidden_x)) + 0.5)
    held = {(row, column) for column, row in held.T.tolist()}
    # A face much larger than its crop is read from blocks of the photo.
    factor, matrix = shrinking(matrix, hole.shape)
    height, width = -(-HEIGHT // factor), -(-WIDTH // factor)
    blocks = np.array(
        [
            [
                hole[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor].any()
                for x in range(width)
            ]
            for y in range(height)
        ]
    )
    # Beyond the photo everything is hidden.
    padded = np.pad(blocks, 2, constant_values=True)
    read_y, read_x = np.nonzero(padded)
    inverse = cv2.invertAffineTransform(matrix)
    for row in range(SIZE):
        for column in range(SIZE):
            x, y = inverse @ (column, row, 1)
            if not (-2 < x < width + 1 and -2 < y < height + 1):
                assert not mask[row, column]
                continue
            distance = np.maximum(abs(read_x - 2 - x), abs(read_y - 2 - y)).min()
            # Bilinear sampling reads what is less than one pixel away; the
            # sixteenth is for OpenCV's rounding of positions.
            beyond = distance - (1 + 1 / 16)
            if (row, column) in held:
                assert not mask[row, column]
            elif abs(beyond) > 1e-6:
                assert mask[row, column] == (beyond > 0)


@settings(deadline=None)
@given(
    matrix=matrices(),
    shrinkage=st.floats(1.0, 60.0),
    place=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
)
def test_a_hole_anywhere_in_a_face_of_any_size_hides_some_of_it(
    matrix, shrinkage, place
):
    # The photo of 40x50 pixels, enlarged: between two samples there are many pixels.
    large = matrix @ np.diag([1 / shrinkage, 1 / shrinkage, 1.0])
    shape = round(HEIGHT * shrinkage), round(WIDTH * shrinkage)
    row, column = (int(p * (side - 1)) for p, side in zip(place, shape, strict=True))
    hole = np.zeros(shape, bool)
    hole[row, column] = True
    into = large @ (column, row, 1)

    mask = mask_from_photo(hole, large, SIZE)

    is_within = bool((into >= -0.5).all() and (into < SIZE - 0.5).all())
    others = mask_within_photo(shape, large, SIZE)
    if is_within:
        x, y = np.floor(into + 0.5).astype(int)
        assert not mask[y, x]
    else:
        # Samples at the edge of the face may read it.
        assert (others & ~mask).sum() <= 4 * max(1.0, np.linalg.det(large[:, :2])) + 5
    assert not (mask & ~others).any()


def test_white_and_true_are_the_hole_black_and_false_are_known():
    matrix = np.array([[0.5, 0, 0], [0, 0.5, 0]])
    hole = np.zeros((32, 32), bool)
    hole[:, :16] = True
    grey = np.where(hole, 128, 127).astype(np.uint8)

    mask = mask_from_photo(grey, matrix, SIZE)

    np.testing.assert_array_equal(mask, mask_from_photo(hole, matrix, SIZE))
    assert not mask[:, :8].any()
    # Of what the photo's edge cuts off nothing is known.
    assert mask[1:, 9:].all()
    assert not mask[0].any()


def test_beyond_the_photo_nothing_is_known():
    aside = np.array([[1.0, 0, 100], [0, 1, 100]])

    assert not mask_from_photo(np.zeros((HEIGHT, WIDTH), bool), aside, SIZE).any()
    assert not mask_within_photo((HEIGHT, WIDTH), aside, SIZE).any()


def test_within_the_photo_are_pixels_that_are_sampled_from_it_alone():
    # The face is 16x16 pixels of the photo, from half a pixel beyond its corner on.
    shifted = np.array([[1.0, 0, 0.5], [0, 1, 0.5]])

    mask = mask_within_photo((HEIGHT, WIDTH), shifted, SIZE)

    assert not mask[0].any()
    assert not mask[:, 0].any()
    assert mask[1:, 1:].all()


def test_a_mask_in_colour_is_refused():
    with pytest.raises(MaskError, match="one channel"):
        mask_from_photo(np.zeros((4, 4, 3), np.uint8), np.eye(2, 3), SIZE)


def test_hiding_paints_the_hole_alone():
    face = np.random.default_rng(0).integers(0, 100, (16, 16, 3), np.uint8)
    mask = build_mask("center", 16)

    shown = hide(face, mask)

    np.testing.assert_array_equal(shown[mask], face[mask])
    assert (shown[~mask] == 128).all()


@pytest.mark.parametrize("shape", [(64, 64), (64, 90), (66, 64)])
def test_a_hole_in_a_square_hides_every_pixel_that_averages_any_of_it(shape):
    hole = np.random.default_rng(1).random(shape) < 0.01
    mask = mask_from_square(hole, 16)
    top, left = (shape[0] - 64) // 2, (shape[1] - 64) // 2
    blocks = hole[top : top + 64, left : left + 64].reshape(16, 4, 16, 4)
    assert np.array_equal(mask, ~blocks.any(axis=(1, 3)))


def test_grey_levels_from_the_middle_on_are_a_hole_in_a_square_too():
    hole = np.full((32, 32), 127, np.uint8)
    hole[0, 0] = 128
    mask = mask_from_square(hole, 32)
    assert not mask[0, 0]
    assert mask.sum() == 32 * 32 - 1


@pytest.mark.parametrize("name", ["random", "half", "pattern", "strokes"])
def test_random_shapes_differ_by_seed_and_by_nothing_else(name):
    drawn = [build_mask(name, 64, seed=seed) for seed in range(6)]

    np.testing.assert_array_equal(drawn[2], build_mask(name, 64, seed=2))
    assert len({mask.tobytes() for mask in drawn}) >= (2 if name == "half" else 6)


@settings(deadline=None)
@given(
    size=st.sampled_from([16, 32, 64, 128]),
    fraction=st.floats(0.0, 0.95),
    seed=st.integers(0, 99),
)
def test_blobs_hide_the_share_that_is_asked_for(size, fraction, seed):
    hidden = ~build_mask("pattern", size, random_fraction=fraction, seed=seed)

    assert hidden.any()
    assert not hidden.all()
    assert fraction <= hidden.mean() <= fraction + 0.08


@settings(deadline=None)
@given(
    size=st.sampled_from([16, 32, 64, 128]),
    strokes=st.integers(1, 64),
    seed=st.integers(0, 99),
)
def test_strokes_hide_something_and_leave_something(size, strokes, seed):
    mask = build_mask("strokes", size, strokes=strokes, seed=seed)

    assert mask.any()
    assert not mask.all()


def test_strokes_are_thick_lines_and_not_single_pixels():
    for seed in range(20):
        hidden = (~build_mask("strokes", 64, strokes=1, seed=seed)).astype(np.uint8)
        pieces, _ = cv2.connectedComponents(hidden)
        assert pieces == 2  # the stroke, and what is around it


def test_a_half_is_one_of_the_four():
    halves = {
        build_mask(name, 32).tobytes() for name in ("left", "right", "top", "bottom")
    }

    assert {build_mask("half", 32, seed=seed).tobytes() for seed in range(40)} == halves


def test_a_window_bounds_a_hole_with_a_margin_within_the_picture():
    hole = np.zeros((20, 30), np.bool_)
    hole[4, 7] = hole[9, 28] = True

    assert bounding_window(hole) == np.s_[4:10, 7:29]
    assert bounding_window(hole, margin=3) == np.s_[1:13, 4:30]
    assert bounding_window(hole, margin=99) == np.s_[0:20, 0:30]
    assert bounding_window(hole[:1] | True, margin=1) == np.s_[0:1, 0:30]
