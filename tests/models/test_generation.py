"""A generator is run on any number of latents."""

import numpy as np
import pytest

from facefill.models import generation
from facefill.models.dcgan import Architecture, build_generator
from facefill.models.generation import generate


@pytest.mark.parametrize("count", [1, 4, 5])
def test_pictures_are_those_of_the_generator_however_they_are_cut(count, monkeypatch):
    monkeypatch.setattr(generation, "BATCH_SIZE", 2)
    generator = build_generator(Architecture(16, 6, 4, 4), seed=1)
    latents = np.random.default_rng(0).uniform(-1, 1, (count, 6)).astype(np.float32)
    pictures = generate(generator, latents)
    whole = np.asarray(generator(latents, training=False))
    assert pictures.dtype == np.uint8
    assert pictures.shape == (count, 16, 16, 3)
    # Another size of a batch may round otherwise.
    assert np.abs(pictures - (whole + 1.0) * 127.5).max() < 1.0
