"""Where searches begin."""

import numpy as np
import pytest

from facefill.inversion.latents import first_latent
from facefill.inversion.starts import Starts
from facefill.models import pretrained
from searching import LATENT_SIZE, options_of, targets


def test_without_a_bank_starts_are_drawn_for_each_photo(networks):
    (face,) = targets(1)
    starts = Starts(networks[0], options_of(starts=3), seed=1)
    expected = [first_latent(1, face.key, LATENT_SIZE, number) for number in range(3)]
    assert np.array_equal(starts.latents(face), np.stack(expected))
    assert starts.fingerprint == ""


def test_a_bank_gives_the_nearest_and_is_drawn_once(networks):
    (face,) = targets(1)
    starts = Starts(networks[0], options_of(bank_size=32, starts=4), seed=1)
    assert starts.bank is starts.bank
    assert len(starts.bank.latents) == 32
    expected = starts.bank.nearest(face, 4)
    assert np.array_equal(starts.latents(face), expected)


@pytest.mark.parametrize("count", [1, 3])
def test_an_encoder_gives_the_first_start(count):
    generator = pretrained.load_pair().generator
    face = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    (small,) = targets(1)
    mask = small.mask.repeat(4, axis=0).repeat(4, axis=1)
    measurement = type(small)("x", face, mask)
    options = options_of(preset="default", bank_size=16, starts=count)
    starts = Starts(generator, options, seed=1)
    latents = starts.latents(measurement)
    assert latents.shape == (count, 100)
    assert len(starts.fingerprint) == 64
    others = starts.bank.nearest(measurement, count)[: count - 1]
    assert np.array_equal(latents[1:], others)
