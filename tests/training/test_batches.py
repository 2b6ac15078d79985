import time
from collections import Counter

import numpy as np
import pytest

from facefill.parameters import TrainOptions
from facefill.preparation.sharded_array import ShardedArray
from facefill.training.batches import batch_indices, batches


@pytest.mark.parametrize(("num_photos", "batch_size"), [(10, 2), (7, 3), (5, 5)])
def test_every_photo_is_seen_once_an_epoch_whatever_the_batch_size(
    num_photos, batch_size
):
    steps = num_photos  # num_photos steps of batch_size are batch_size epochs
    seen = np.concatenate(
        [batch_indices(num_photos, batch_size, 1, step) for step in range(steps)]
    )
    for epoch in range(batch_size):
        part = seen[epoch * num_photos : (epoch + 1) * num_photos]
        assert sorted(part) == list(range(num_photos))


def test_the_order_changes_from_epoch_to_epoch_and_with_the_seed():
    first, second = (batch_indices(100, 100, 1, step) for step in range(2))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, batch_indices(100, 100, 2, 0))


def _photos():
    return np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), np.uint8)


def _stacks(first, steps_per_call=4):
    options = TrainOptions(
        batch_size=2, max_steps=10, steps_per_call=steps_per_call, latent_size=3
    )
    return list(batches(_photos(), options, 1, first))


def test_steps_see_the_same_wherever_the_training_was_begun_and_cut():
    whole = _stacks(0)
    latents = np.concatenate([stack.latents for stack in whole])
    images = np.concatenate([stack.images for stack in whole])
    assert len(latents) == 10
    for first, steps_per_call in [(3, 4), (8, 4), (0, 1), (5, 100)]:
        stacks = _stacks(first, steps_per_call)
        again = np.concatenate([stack.latents for stack in stacks])
        assert np.array_equal(again, latents[first:])
        again = np.concatenate([stack.images for stack in stacks])
        assert np.array_equal(again, images[first:])


def test_photos_in_several_files_make_the_same_batches():
    photos, options = _photos(), TrainOptions(batch_size=2, max_steps=10)
    shards = ShardedArray([photos[:1], photos[1:4], photos[4:]])
    whole = batches(photos, options, 1, 0)
    for one, other in zip(whole, batches(shards, options, 1, 0), strict=True):
        assert np.array_equal(one.images, other.images)


def test_an_order_is_drawn_once_an_epoch_not_once_a_step():
    num_photos = 2_000_000  # drawing this order takes longer than all the steps
    started = time.process_time()
    batch_indices(num_photos, 64, 1, 0)
    once = time.process_time() - started
    started = time.process_time()
    for step in range(1, 200):
        batch_indices(num_photos, 64, 1, step)
    assert time.process_time() - started < 20 * once


def test_every_photo_reaches_the_network_equally_often():
    seen = Counter(
        image.tobytes()
        for stack in _stacks(0)
        for batch in stack.images
        for image in batch
    )
    assert set(seen) == {photo.tobytes() for photo in _photos()}
    assert set(seen.values()) == {4}  # 10 steps of 2 are 4 epochs of 5


def test_latents_fill_the_cube_and_half_of_the_photos_are_flipped():
    options = TrainOptions(batch_size=500, max_steps=4, latent_size=100)
    images = np.zeros((500, 16, 16, 3), np.uint8)
    (stack,) = batches(images, options, 1, 0)
    assert stack.latents.dtype == np.float32
    assert np.abs(stack.latents).max() <= 1.0
    assert stack.latents.var() == pytest.approx(1 / 3, rel=0.01)
    assert stack.flips.mean() == pytest.approx(0.5, abs=0.05)


def test_every_step_has_latents_flips_and_draws_of_its_own():
    options = TrainOptions(
        batch_size=64, max_steps=9, steps_per_call=3, latent_size=3, augment=["colour"]
    )
    images = np.zeros((64, 16, 16, 3), np.uint8)
    stacks = list(batches(images, options, 1, 0))
    for name in ("latents", "flips", "draws"):
        steps = np.concatenate([getattr(stack, name) for stack in stacks])
        assert len({step.tobytes() for step in steps}) == 9
    other = next(batches(images, options, 2, 0))
    for name in ("latents", "flips", "draws"):
        assert not np.array_equal(getattr(other, name), getattr(stacks[0], name))
