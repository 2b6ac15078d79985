import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facefill.imaging.colour import chroma, grey_picture, luminance
from facefill.imaging.compositing import (
    DEVIATION,
    Placement,
    blend,
    complete,
    complete_face,
    paste,
    paste_back,
    paste_colour,
    poisson_blend,
    poisson_blend_group,
    warped_hole,
)
from facefill.imaging.degradations import (
    Decolorization,
    Denoising,
    Downsampling,
    Inpainting,
)
from facefill.imaging.geometry import warp
from facefill.imaging.masks import build_mask, mask_from_photo
from gradients import least_squares

SIZE = 16
HEIGHT, WIDTH = 60, 70
# A face of 16 pixels, turned by ten degrees, that spans 40 pixels of its photo.
TURNED = cv2.getRotationMatrix2D((35, 30), 10, 0.4)
TURNED[:, 2] += (7.5 - 35, 7.5 - 30)


def noise(seed, height=SIZE, width=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def changed(pixels, known):
    """Give other values to every pixel that is not known."""
    return np.where(known[..., None], pixels, ~pixels)


def smooth_photo(height=HEIGHT, width=WIDTH):
    y, x = np.mgrid[:height, :width] / max(height, width)
    channels = 60 + 120 * x, 200 - 90 * y, 120 + 60 * np.sin(3 * x + 2 * y)
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def crop(photo, matrix, size=SIZE):
    return cv2.warpAffine(photo, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)


NOTHING = np.zeros((SIZE, SIZE), bool)


def known(name):
    return NOTHING if name == "nothing" else build_mask(name, SIZE)


masks = st.just(NOTHING) | st.builds(
    build_mask,
    st.sampled_from(["center", "random", "left", "top", "grid", "full"]),
    st.just(SIZE),
    random_fraction=st.sampled_from([0.2, 0.9]),
    seed=st.integers(0, 99),
)


@pytest.mark.parametrize("name", ["center", "random", "left", "grid"])
def test_blending_is_the_least_squares_fit_of_the_gradients(name):
    face = noise(1, 10, 10) // 4 + np.uint8(90)
    generated = noise(2, 10, 10) // 8 + np.uint8(20)
    mask = build_mask(name, 10, random_fraction=0.6)

    blended = poisson_blend(face, generated, mask)

    exact = least_squares(face.astype(float), generated.astype(float), mask)
    # Nothing is clipped, so that rounding is all.
    assert np.abs(blended - exact).max() <= 0.5 + 1e-6


@settings(deadline=None)
@given(mask=masks, seed=st.integers(0, 99))
def test_blending_keeps_known_pixels_and_reads_no_hidden_one(mask, seed):
    face, generated = noise(seed), noise(seed + 1)

    blended = poisson_blend(face, generated, mask)

    np.testing.assert_array_equal(blended[mask], face[mask])
    again = poisson_blend(changed(face, mask), generated, mask)
    np.testing.assert_array_equal(again, blended)


def test_a_generated_face_of_another_brightness_takes_that_of_the_photo():
    face = noise(3) // 2 + np.uint8(60)

    blended = poisson_blend(face, face - np.uint8(40), build_mask("center", SIZE))

    np.testing.assert_array_equal(blended, face)


def test_without_a_known_pixel_the_generated_face_stays_as_it_is():
    generated = noise(5)

    blended = poisson_blend(noise(4), generated, NOTHING)

    np.testing.assert_array_equal(blended, generated)


def test_without_a_hole_the_face_stays_as_it_is():
    face = noise(4)

    blended = poisson_blend(face, noise(5), build_mask("full", SIZE))

    np.testing.assert_array_equal(blended, face)


def test_values_too_bright_or_dark_are_clipped_and_do_not_wrap_around():
    face = np.full((SIZE, SIZE, 3), 250, np.uint8)
    generated = np.full_like(face, 100)
    generated[8, 8] = 200

    blended = poisson_blend(face, generated, build_mask("center", SIZE))

    assert blended[8, 8].tolist() == [255, 255, 255]


@settings(deadline=None)
@given(
    mask=masks,
    angle=st.floats(-180, 180),
    scale=st.floats(0.3, 2.0),
    x=st.floats(0, WIDTH),
    y=st.floats(0, HEIGHT),
)
def test_pasting_changes_no_pixel_outside_the_hole_and_reads_none_inside(
    mask, angle, scale, x, y
):
    matrix = cv2.getRotationMatrix2D((x, y), angle, scale)
    matrix[:, 2] += (7.5 - x, 7.5 - y)
    photo, blended = noise(1, HEIGHT, WIDTH), noise(2)

    pasted = paste_back(photo, blended, mask, matrix)

    hole = warped_hole(mask, matrix, (HEIGHT, WIDTH))
    np.testing.assert_array_equal(pasted[~hole], photo[~hole])
    again = paste_back(changed(photo, ~hole), blended, mask, matrix)
    np.testing.assert_array_equal(again, pasted)


def test_the_hole_in_the_photo_is_where_the_matrix_puts_it():
    mask = build_mask("random", SIZE, random_fraction=0.5)

    hole = warped_hole(mask, TURNED, (HEIGHT, WIDTH))

    for row in range(HEIGHT):
        for column in range(WIDTH):
            x, y = np.floor(TURNED @ (column, row, 1) + 0.5).astype(int)
            inside = 0 <= x < SIZE and 0 <= y < SIZE
            assert hole[row, column] == (inside and not mask[y, x])


def test_a_face_beyond_the_photo_has_no_hole_in_it():
    aside = np.array([[1.0, 0, 500], [0, 1, 500]])
    photo = noise(1, HEIGHT, WIDTH)

    pasted = paste_back(photo, noise(2), NOTHING, aside)

    np.testing.assert_array_equal(pasted, photo)


def test_a_face_in_the_photos_own_size_is_put_in_as_it_is():
    face = noise(1)
    mask = build_mask("center", SIZE)
    blended = np.where(mask[..., None], face, noise(2))
    photo = noise(3, HEIGHT, WIDTH)
    photo[10 : 10 + SIZE, 20 : 20 + SIZE] = face
    here = np.array([[1.0, 0, -20], [0, 1, -10]])

    pasted = paste_back(photo, blended, mask, here)

    expected = photo.copy()
    expected[10 : 10 + SIZE, 20 : 20 + SIZE] = blended
    np.testing.assert_array_equal(pasted, expected)


def test_a_face_that_shrinks_on_the_way_back_is_averaged_and_not_sampled():
    checked = np.zeros((64, 64, 3), np.uint8)
    checked[::2, ::2] = checked[1::2, 1::2] = 200
    photo = np.full((30, 30, 3), 100, np.uint8)
    matrix = np.array([[3.1, 0, -10], [0, 3.1, -10]])

    pasted = paste_back(photo, checked, build_mask("center", 64), matrix)

    # Sampled, it is a pattern of 0 and 200.
    assert np.abs(pasted.astype(int) - 100).max() <= 5


@pytest.mark.parametrize("name", ["center", "left", "nothing"])
def test_a_face_put_back_unchanged_leaves_a_smooth_photo_as_it_was(name):
    photo = smooth_photo()

    pasted = paste_back(photo, crop(photo, TURNED), known(name), TURNED)

    difference = np.abs(pasted.astype(int) - photo)
    assert difference.mean() <= 0.5
    # The outermost pixels of a face stand for one and a quarter pixels of the
    # photo beyond their centre, over which it changes by three grey levels.
    assert difference.max() <= (3 if name == "center" else 6)


@pytest.mark.parametrize("name", ["center", "left", "nothing"])
def test_a_face_of_another_brightness_takes_that_of_the_photo_around_it(name):
    photo = smooth_photo()
    darker = crop(photo, TURNED) - np.uint8(50)

    pasted = paste_back(photo, darker, known(name), TURNED)

    # As above; without the correction it is 50.
    assert np.abs(pasted.astype(int) - photo).max() <= (3 if name == "center" else 6)


@pytest.mark.parametrize("levels", [20, 110])
def test_what_is_beside_a_hole_tints_it_only_as_far_as_light_may_differ(levels):
    photo = np.full((64, 64, 3), 120, np.uint8)
    photo[:, 42:] += np.uint8(levels)
    mask = build_mask("center", 32)
    matrix = np.array([[1.0, 0, -18], [0, 1.0, -16]])
    hole = warped_hole(mask, matrix, (64, 64))
    assert hole[32, 41]
    assert not hole[32, 42]

    pasted = paste_back(photo, np.full((32, 32, 3), 120, np.uint8), mask, matrix)

    tinted = pasted[32, 26:42, 0].astype(int) - 120
    assert (np.diff(tinted) >= 0).all()
    # A membrane alone has a quarter of the levels in the middle of the hole.
    middle = tinted[8] / levels
    assert middle < 0.12 if levels == 110 else 0.2 < middle < 0.3


def test_no_edge_shows_where_a_hole_in_a_sharp_photo_was():
    photo = smooth_photo(240, 280)
    y, x = np.mgrid[:240, :280]
    texture = 12 * np.sin(x * 2.1) * np.sin(y * 1.7)
    photo = np.clip(photo + texture[..., None], 0, 255).astype(np.uint8)
    matrix = np.array([[0.08, 0, -3.0], [0, 0.08, -2.0]])
    mask = build_mask("center", SIZE)

    pasted = paste_back(photo, crop(photo, matrix), mask, matrix)

    hole = warped_hole(mask, matrix, photo.shape[:2])
    steps = np.abs(np.diff(pasted.astype(int), axis=1)).mean(axis=2)
    border = hole[:, 1:] != hole[:, :-1]
    outside = ~hole[:, 1:] & ~hole[:, :-1]
    assert border.any()
    # Going in is no greater step than the photo's own texture is.
    assert steps[border].mean() <= steps[outside].mean()


def test_a_hole_drawn_on_the_photo_is_filled_exactly_as_far_as_the_face_reaches():
    photo = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    drawn = np.zeros((HEIGHT, WIDTH), bool)
    # Two broad strokes, and two between the pixels that the face samples.
    drawn[:, 20:26] = drawn[40:45] = True
    drawn[:, 35] = drawn[31, :] = True
    photo[drawn] = (255, 0, 255)
    matrix = np.array([[0.3, 0, -1.1], [0, 0.3, -0.7]])
    mask = mask_from_photo(drawn, matrix, SIZE)
    face = np.where(mask[..., None], crop(photo, matrix), np.uint8(90))

    pasted = paste_back(photo, face, mask, matrix, drawn)

    reached = drawn & warped_hole(np.zeros_like(mask), matrix, drawn.shape)
    assert 0 < reached.sum() < drawn.sum()
    assert (pasted[reached] == 90).all()
    np.testing.assert_array_equal(pasted[~reached], photo[~reached])


@settings(deadline=None)
@given(seed=st.integers(0, 99), share=st.sampled_from([0.02, 0.5, 0.95, 1.0]))
def test_nothing_under_a_hole_drawn_on_the_photo_is_read(seed, share):
    drawn = np.random.default_rng(seed).random((HEIGHT, WIDTH)) < share
    photo, blended = noise(1, HEIGHT, WIDTH), noise(2)
    mask = mask_from_photo(drawn, TURNED, SIZE)
    reached = drawn & warped_hole(np.zeros_like(mask), TURNED, drawn.shape)

    pasted = paste_back(photo, blended, mask, TURNED, drawn)

    again = paste_back(changed(photo, ~drawn), blended, mask, TURNED, drawn)
    np.testing.assert_array_equal(again[reached], pasted[reached])
    np.testing.assert_array_equal(pasted[~reached], photo[~reached])


def test_the_photo_itself_is_not_written_to():
    photo = noise(1, HEIGHT, WIDTH)
    photo.setflags(write=False)

    pasted = paste_back(photo, noise(2), build_mask("center", SIZE), TURNED)

    assert (pasted != photo).any()


def test_only_a_mask_leaves_pixels_as_they_are():
    face, fitted = (noise(1), noise(2))
    mask = build_mask("center", SIZE)
    for composite in (complete, blend):
        made = composite(Inpainting(), face, fitted, mask)
        assert np.array_equal(made[mask], face[mask])
    assert np.array_equal(complete(Downsampling(), face, fitted, NOTHING), fitted)
    made = blend(Decolorization(), face, fitted, NOTHING)
    assert np.abs(luminance(made) - luminance(face)).max() <= 0.51


def test_a_noisy_face_and_its_fit_are_mixed_by_wieners_share():
    face, fitted = (noise(1), noise(2))
    made = complete(Denoising(DEVIATION), face, fitted, NOTHING)
    assert np.abs(made - (face.astype(float) + fitted) / 2.0).max() <= 0.5
    nearly = complete(Denoising(1e-3), face, fitted, NOTHING)
    assert np.array_equal(nearly, face)


def test_a_colour_is_pasted_into_the_photo_whose_luminance_and_outside_stay():
    draw = np.random.default_rng(2)
    photo = draw.integers(60, 200, (60, 70, 3), np.uint8)
    matrix = np.array([[0.5, 0.0, -5.0], [0.0, 0.5, -3.0]])
    face = np.full((SIZE, SIZE, 3), (180, 90, 60), np.uint8)
    pasted = paste_colour(photo, face, matrix)
    changed = (pasted != photo).any(axis=2)
    rows, columns = changed.any(axis=1).nonzero()[0], changed.any(axis=0).nonzero()[0]
    assert rows.min() >= 5
    assert rows.max() <= 37
    assert columns.min() >= 9
    assert columns.max() <= 41
    assert np.abs(luminance(pasted) - luminance(photo)).max() <= 0.51
    # Away from the edge it has the colour, and the photo's own is not read.
    middle = np.s_[15:28, 19:32]
    assert np.abs(chroma(pasted[middle]) - chroma(face[0, 0])).max() < 1.5
    again = paste_colour(grey_picture(photo), face, matrix)
    assert np.abs(again[middle].astype(int) - pasted[middle]).max() <= 1


def test_a_face_beyond_its_photo_colours_nothing():
    photo = noise(1)
    matrix = np.array([[1.0, 0.0, 500.0], [0.0, 1.0, 500.0]])
    assert np.array_equal(paste_colour(photo, photo, matrix), photo)


def test_known_pixels_of_a_completed_face_are_its_own():
    draw = np.random.default_rng(0)
    face, generated = draw.integers(0, 256, (2, 8, 8, 3), np.uint8)
    mask = draw.random((8, 8)) < 0.5
    completed = complete_face(face, generated, mask)
    assert np.array_equal(completed[mask], face[mask])
    assert np.array_equal(completed[~mask], generated[~mask])


def test_what_is_pasted_depends_on_what_was_known():
    photo, face, mask = smooth_photo(), noise(2), build_mask("center", SIZE)
    placement = Placement(photo, TURNED)
    filled = paste(Inpainting(), placement, face, mask)
    assert np.array_equal(filled, paste_back(photo, face, mask, TURNED))
    replaced = paste(Downsampling(), placement, face, NOTHING)
    assert np.array_equal(replaced, paste_back(photo, face, NOTHING, TURNED))
    coloured = paste(Decolorization(), placement, face, NOTHING)
    assert np.array_equal(coloured, paste_colour(photo, face, TURNED))


def test_faces_that_share_a_hole_are_blended_as_each_alone():
    rng = np.random.default_rng(5)
    faces, generated = rng.integers(0, 256, (2, 4, 12, 12, 3)).astype(np.uint8)
    mask = rng.random((12, 12)) < 0.6
    together = poisson_blend_group(faces, generated, mask)
    for face, picture, found in zip(faces, generated, together, strict=True):
        alone = poisson_blend(face, picture, mask)
        assert np.abs(found.astype(int) - alone).max() <= 1


def test_a_face_of_twice_the_resolution_is_pasted_in_the_same_place():
    row, column = np.mgrid[:100, :100]
    photo = np.stack([row, column, row + column], axis=-1).astype(np.uint8)
    matrix = np.array([[0.5, 0.0, -8.0], [0.0, 0.5, -6.0]])
    mask = np.ones((32, 32), bool)
    mask[10:20, 12:24] = False
    pasted = {
        factor: paste_back(
            photo, warp(photo, factor * matrix, factor * 32), mask, matrix
        )
        for factor in (1, 2)
    }
    # A ramp comes out as it was, whatever it is sampled at.
    for result in pasted.values():
        assert np.abs(result.astype(int) - photo).max() <= 1


def test_the_slope_of_a_difference_goes_on_through_a_scratch():
    # The face is flat and the photo bent, as the biharmonic equation continues it.
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] - 30.0
    level = 60.0 + 0.5 * columns + rows**2 / 6.0
    photo = np.repeat(np.round(level).astype(np.uint8)[..., None], 3, axis=-1)
    hole = np.abs(rows - 5) < 4
    face = np.full((SIZE, SIZE, 3), 90, np.uint8)
    whole = paste_back(photo, face, NOTHING, TURNED, hole)
    filled = hole & warped_hole(NOTHING, TURNED, (HEIGHT, WIDTH))
    apart = whole[filled].astype(int) - photo[filled]
    # A membrane alone would be (half the width) ** 2 / 6 = 2.7 too high in the middle,
    # and 1.8 on average.
    assert abs(apart.mean()) < 1.0


@pytest.mark.parametrize("scale", [1.0, 4.0, 12.0])
def test_a_face_that_the_photo_agrees_with_is_put_in_as_it_is(scale):
    matrix = TURNED.copy()
    matrix[:, :2] /= scale
    height, width = round(HEIGHT * scale), round(WIDTH * scale)
    photo = np.full((height, width, 3), 90, np.uint8)
    hole = np.hypot(*(np.mgrid[:height, :width] - 30.0 * scale)) < 6 * scale
    face = np.full((SIZE, SIZE, 3), 90, np.uint8)
    np.testing.assert_array_equal(
        paste_back(np.where(hole[..., None], 0, photo), face, NOTHING, matrix, hole),
        photo,
    )
