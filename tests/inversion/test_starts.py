"""Where searches begin."""

import numpy as np
import pytest

from facefill.inversion.encoder import Encoder
from facefill.inversion.latents import first_latent
from facefill.inversion.search import LatentSearch
from facefill.inversion.starts import Starts
from facefill.models import pretrained
from facefill.models.companions import Companions
from facefill.models.dcgan import build_encoder
from facefill.models.encoders import TrainedEncoder
from facefill.models.files import weights_sha256
from facefill.parameters.completion import AFTER_ENCODER, FROM_BANK
from searching import LATENT_SIZE, SIZE, networks_of, options_of, targets


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


def trained_for(generator):
    network = build_encoder(SIZE, LATENT_SIZE, 4, seed=1)
    return TrainedEncoder(network, weights_sha256(generator))


def test_an_encoder_that_was_trained_gives_the_first_start(networks):
    (face,) = targets(1)
    trained = trained_for(networks[0])
    options = options_of(preset="default", bank_size=16, iterations=None)
    starts = Starts(networks[0], options, 1, trained)
    assert starts.are_encoded
    assert starts.fingerprint == trained.fingerprint
    assert np.array_equal(
        starts.latents(face)[0], Encoder(trained.network).latent(face)
    )
    search = LatentSearch(*networks, options, 0.1, 1, Companions(encoder=trained))
    assert search.options.iterations == AFTER_ENCODER
    assert trained.fingerprint in search.fingerprint


def test_the_encoder_of_another_generator_is_not_used_which_is_said(networks, caplog):
    (face,) = targets(1)
    other = trained_for(networks_of(width=4)[0])
    options = options_of(preset="default", bank_size=16, iterations=None)
    starts = Starts(networks[0], options, 1, other)
    assert not starts.are_encoded
    (line,) = caplog.messages
    assert "is of another generator, and is not used" in line
    without = Starts(networks[0], options, 1)
    assert np.array_equal(starts.latents(face), without.latents(face))
    search = LatentSearch(*networks, options, 0.1, 1, Companions(encoder=other))
    assert search.options.iterations == FROM_BANK
    assert search.companions.encoder is None


def test_the_shipped_encoder_serves_its_generator_beside_another_one(caplog):
    generator = pretrained.load_pair().generator
    other = trained_for(networks_of()[0])
    starts = Starts(generator, options_of(preset="default"), 1, other)
    assert starts.are_encoded
    assert starts.fingerprint != other.fingerprint
    assert caplog.messages == []


def test_the_reference_begins_without_an_encoder(networks, caplog):
    starts = Starts(networks[0], options_of(), 1, trained_for(networks[0]))
    assert not starts.are_encoded
    assert caplog.messages == []
