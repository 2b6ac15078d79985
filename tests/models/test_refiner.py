"""The refiner's networks, and what a refined crop depends on."""

import cv2
import numpy as np
import pytest

from facefill.models import pretrained
from facefill.models.refinement import (
    CoarseCrop,
    Refiner,
    enlarged,
    finer,
    shipped_refiner,
)
from facefill.models.refiner import (
    CHANNELS,
    GRID,
    build_patch_discriminator,
    build_refiner,
    refiner_input,
    residuals,
)
from facefill.parameters import CompleteOptions
from heads import astronaut

SIZE = 32


def pixels(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def noise():
    shape = (2, SIZE, SIZE, CHANNELS)
    return np.random.default_rng(1).uniform(-1.0, 1.0, shape).astype(np.float32)


def trained_network():
    """A network that does not give the same whatever it sees."""
    network = build_refiner(SIZE, seed=1)
    rng = np.random.default_rng(0)
    paint = network.get_layer("paint").kernel
    paint.assign(rng.normal(0.0, 0.05, paint.shape))
    return network


def refine(refiner, crop, completed, known):
    (refined,) = refiner.refine([CoarseCrop(crop, completed, known)])
    return refined


@pytest.fixture(scope="module")
def refiner():
    return Refiner(trained_network(), 0.7)


@pytest.fixture
def known():
    mask = np.ones((SIZE, SIZE), bool)
    mask[10:22, 8:20] = False
    return mask


def test_the_residual_is_nothing_outside_of_the_hole(known):
    seen = noise()
    seen[..., 6] = known
    residual = np.asarray(trained_network()(seen))
    assert residual.shape == (2, SIZE, SIZE, 6)
    assert not residual[:, known].any()
    assert residual[:, ~known].std() > 0.01


def test_the_twentieth_face_is_refined_to_the_bit_as_the_first(known):
    made = Refiner(trained_network(), 0.7)
    draw = np.random.default_rng(3)
    crop = draw.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    face = draw.integers(0, 256, (SIZE // 2, SIZE // 2, 3), np.uint8)

    first, *others = (refine(made, crop, face, known) for _ in range(20))

    assert all(np.array_equal(first, other) for other in others)
    other_face = refine(made, crop, 255 - face, known)
    assert np.array_equal(
        other_face, refine(Refiner(trained_network(), 0.7), crop, 255 - face, known)
    )
    assert not np.array_equal(other_face, first)


def test_it_sees_a_face_and_its_mirror_image_and_nothing_hidden_of_either(known):
    crops, coarse = np.random.default_rng(1).uniform(-1, 1, (2, 1, SIZE, SIZE, 3))
    mask = known[None, ..., None].astype(float)
    seen = np.asarray(refiner_input(crops, coarse, mask))[0]
    visible = np.where(known[..., None], crops[0], 0.0)
    assert np.array_equal(seen[..., :3], visible)
    assert np.array_equal(seen[..., 3:6], coarse[0])
    assert np.array_equal(seen[..., 6], known)
    assert np.array_equal(seen[..., 7:10], np.fliplr(visible))
    assert np.array_equal(seen[..., 10], np.fliplr(known))


def test_it_begins_as_hardly_any_change():
    seen = noise()
    seen[..., 6] = 0.0
    assert np.abs(np.asarray(build_refiner(SIZE, seed=1)(seen))).max() < 0.2


def test_the_discriminator_judges_patches_of_eight_pixels():
    maps = build_patch_discriminator(SIZE, seed=1)(np.zeros((2, SIZE, SIZE, 4), "f4"))
    assert maps[-1].shape == (2, SIZE // 8, SIZE // 8, 1)


@pytest.mark.parametrize("paint", [0, 255, "noise"])
def test_a_refined_crop_does_not_depend_on_what_is_under_the_hole(
    refiner, known, paint
):
    crop, completed = pixels(2, SIZE, SIZE, 3), pixels(3, SIZE // 2, SIZE // 2, 3)
    painted = crop.copy()
    hidden = painted[~known]
    painted[~known] = pixels(4, *hidden.shape) if paint == "noise" else paint
    refined = refine(refiner, crop, completed, known)
    assert np.array_equal(refine(refiner, painted, completed, known), refined)
    assert np.array_equal(refined[known], crop[known])


def test_what_is_refined_follows_what_is_known_around_it(refiner, known):
    crop, completed = pixels(2, SIZE, SIZE, 3), pixels(3, SIZE // 2, SIZE // 2, 3)
    other = refine(refiner, pixels(5, SIZE, SIZE, 3), completed, known)
    refined = refine(refiner, crop, completed, known)
    assert not np.array_equal(refined[~known], other[~known])


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_face_is_refined_to_the_same_bytes_alone_and_among_others(known, precision):
    made = Refiner(trained_network(), 0.7, precision)
    crops = [
        CoarseCrop(
            pixels(seed, SIZE, SIZE, 3),
            pixels(seed + 50, SIZE // 2, SIZE // 2, 3),
            np.roll(known, seed, axis=1),
        )
        for seed in range(11)
    ]
    together = made.refine(crops)
    assert made.refine([]) == []
    for crop, refined in zip(crops, together, strict=True):
        assert np.array_equal(made.refine([crop])[0], refined)


def test_half_precision_moves_what_is_refined_by_a_few_levels(known):
    crop, completed = pixels(2, SIZE, SIZE, 3), pixels(3, SIZE // 2, SIZE // 2, 3)
    exact, rounded = (
        refine(Refiner(trained_network(), 0.7, precision), crop, completed, known)
        for precision in ("float32", "mixed_bfloat16")
    )
    moved = np.abs(exact.astype(int) - rounded)
    assert 0 < moved.max() <= 6


def test_of_a_window_what_is_wanted_is_refined_as_in_the_whole_crop():
    made = Refiner(pretrained.load_refiner(), 0.7)
    crop = np.ascontiguousarray(astronaut()[0][:256, 100:356])
    known = np.ones((256, 256), bool)
    known[60:90, 40:240] = False
    coarse = cv2.GaussianBlur(crop, (0, 0), 6.0)
    whole = refine(made, crop, coarse, known)
    window = slice(0, 10 * GRID), slice(0, 11 * GRID)
    part = made.refine_window(CoarseCrop(crop, coarse, known), window)
    assert np.array_equal(part[known], crop[known])
    wanted = np.zeros_like(known)
    wanted[60:90, 40:110] = True  # 66 pixels from the window's end
    moved = np.abs(whole.astype(int) - coarse)[wanted].mean()
    assert np.abs(part.astype(int) - whole)[wanted].mean() < 0.2 * moved
    beyond = ~known
    beyond[window] = False
    assert np.array_equal(part[beyond], coarse[beyond])


def test_a_network_for_crops_of_any_side_refines_as_that_of_one_side():
    any_side = build_refiner(None, seed=1)
    for side in (SIZE, 3 * GRID):
        fixed = build_refiner(side, seed=1)
        fixed.set_weights(any_side.get_weights())
        shape = (1, side, side, CHANNELS)
        seen = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
        np.testing.assert_array_equal(any_side(seen), fixed(seen))


def painted_by(network, crop, coarse, known):
    """Picture and mean that a network gives, in [-1, 1] but for what leaves it."""
    visible = (crop / 127.5 - 1) * known[..., None]
    mirrored = np.fliplr(visible), np.fliplr(known)
    seen = np.dstack([visible, coarse / 127.5 - 1, known, *mirrored])
    parts = residuals(np.asarray(network(seen[None].astype(np.float32))))
    return [coarse / 127.5 - 1 + part[0] for part in parts]


def apart(refined, wanted, known):
    levels = np.clip((wanted + 1) * 127.5, 0, 255)
    return np.abs(refined - levels)[~known].max()


@pytest.mark.parametrize("fidelity", [0.1, 0.25, 1.0])
def test_fidelity_goes_from_the_mean_to_the_picture(known, fidelity):
    network = trained_network()
    crop, completed = pixels(2, SIZE, SIZE, 3), pixels(3, SIZE // 2, SIZE // 2, 3)
    refined = refine(Refiner(network, fidelity), crop, completed, known)
    picture, mean = painted_by(network, crop, enlarged(completed), known)
    wanted = (1 - fidelity) * mean + fidelity * picture
    assert apart(refined, wanted, known) <= 0.51


def test_a_mean_is_that_of_a_face_and_of_its_mirror_image(known):
    network = trained_network()
    crop, coarse = pixels(2, SIZE, SIZE, 3), pixels(3, SIZE, SIZE, 3)
    refined = refine(Refiner(network, 0.0), crop, coarse, known)
    _, mean = painted_by(network, crop, coarse, known)
    turned = (np.fliplr(each) for each in (crop, coarse, known))
    _, mirrored = painted_by(network, *turned)
    assert apart(refined, (mean + np.fliplr(mirrored)) / 2, known) <= 0.51
    assert apart(refined, mean, known) > 1


def test_what_is_coarse_in_the_crops_own_size_is_not_enlarged(refiner, known):
    crop, completed = pixels(2, SIZE, SIZE, 3), pixels(3, SIZE // 2, SIZE // 2, 3)
    large = refine(refiner, crop, enlarged(completed), known)
    assert np.array_equal(large, refine(refiner, crop, completed, known))


def test_an_enlarged_face_has_its_pixels_where_the_finer_map_has_them():
    photo = cv2.GaussianBlur(pixels(6, 90, 80, 3), (0, 0), 6)
    matrix = np.array([[0.4, 0.05, -3.0], [-0.04, 0.42, -2.0]])
    face, crop = (
        cv2.warpAffine(photo, map_, (side, side), flags=cv2.INTER_LINEAR)
        for map_, side in ((matrix, 16), (finer(matrix), 32))
    )
    # The same places of the photo, but for OpenCV's rounding of positions.
    assert np.abs(crop[::2, ::2].astype(int) - face).max() <= 2
    assert np.abs(enlarged(face)[::2, ::2].astype(int) - face).max() <= 1


def test_faces_of_another_size_and_those_that_ask_for_none_have_no_refiner():
    assert shipped_refiner(CompleteOptions(refine="none"), 64) is None
    assert shipped_refiner(CompleteOptions(), 32) is None
    assert shipped_refiner(CompleteOptions(), 64) is not None


def test_the_mean_is_what_the_least_fidelity_gives():
    def fingerprint(**given):
        return shipped_refiner(CompleteOptions(**given), 64).fingerprint

    least = fingerprint(fidelity=0.0)
    assert fingerprint(refine="mean") == fingerprint(refine="mean", fidelity=1.0)
    assert fingerprint(refine="mean") == least
    assert len({least, fingerprint(fidelity=0.4), fingerprint()}) == 3
