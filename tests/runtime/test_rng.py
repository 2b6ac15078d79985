"""Random numbers depend on what they are for, and on nothing else."""

import numpy as np

from facefill.runtime.rng import Purpose, keyed_rng, photo_key, uniform_latents


def test_a_draw_is_the_same_whatever_was_drawn_before():
    first = keyed_rng(1, Purpose.LATENTS, 5).random(3)
    keyed_rng(1, Purpose.LATENTS, 4).random(100)
    assert np.array_equal(keyed_rng(1, Purpose.LATENTS, 5).random(3), first)


def test_seed_purpose_and_index_all_count():
    keys = [(1, Purpose.LATENTS, 5), (2, Purpose.LATENTS, 5), (1, Purpose.FLIPS, 5)]
    keys += [(1, Purpose.LATENTS, 6), (1, Purpose.LATENTS, 5, 1), (1, Purpose.LATENTS)]
    assert len({keyed_rng(*key).random() for key in keys}) == len(keys)


def test_no_two_purposes_share_a_number():
    assert len({int(purpose) for purpose in Purpose}) == len(Purpose.__members__)


def test_the_key_of_a_photo_is_one_number_of_64_bits_for_ever():
    assert photo_key("Ann/0001.jpg") == 1858114240910837445
    assert photo_key("") < 2**64


def test_latents_fill_the_cube():
    latents = uniform_latents(np.random.default_rng(0), 1000, 5)
    assert latents.dtype == np.float32
    assert latents.shape == (1000, 5)
    assert np.abs(latents).max() <= 1.0
    assert np.abs(latents.mean(axis=0)).max() < 0.1
