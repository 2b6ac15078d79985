"""Tasks of photos without a mask file."""

import numpy as np
import pytest

from facefill.imaging.degradations import Denoising, Inpainting
from facefill.inversion.masking import MaskMaker
from facefill.parameters import CompleteOptions

SIZE = 16
FACE = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)


@pytest.mark.parametrize("name", ["random", "pattern", "half", "strokes"])
def test_random_masks_are_of_the_photo_and_the_seed(name):
    ours, again, other = (
        MaskMaker(name, CompleteOptions(), seed) for seed in (1, 1, 2)
    )
    photos = [f"{number}.jpg" for number in range(8)]
    masks = [ours.task(photo, SIZE).mask for photo in photos]
    assert all(
        np.array_equal(again.task(photo, SIZE).mask, mask)
        for photo, mask in zip(photos, masks, strict=True)
    )
    assert len({mask.tobytes() for mask in masks}) > 1
    others = [other.task(photo, SIZE).mask for photo in photos]
    assert not np.array_equal(masks, others)


def test_noise_is_of_the_photo_and_a_hole_has_none():
    maker = MaskMaker("denoise", CompleteOptions(noise=20.0), seed=1)
    noisy, again, other = (maker.degraded(name, FACE) for name in ("a", "a", "b"))
    assert noisy.degradation == Denoising(20.0)
    assert np.array_equal(noisy.face, again.face)
    assert not np.array_equal(noisy.face, other.face)
    assert not np.array_equal(noisy.face, FACE)
    hidden = MaskMaker("center", CompleteOptions(), seed=1).degraded("a", FACE)
    assert hidden.degradation == Inpainting()
    assert hidden.key == "a"
    assert np.array_equal(hidden.face, FACE)
