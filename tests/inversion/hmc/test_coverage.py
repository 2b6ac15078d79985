"""Whether the intervals of the shipped generator hold what they promise."""

import os
from pathlib import Path

import numpy as np
import pytest

from calibration import coverage
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import read_photo
from facefill.inversion.hmc.summary import HIGH, LOW
from facefill.inversion.latents import to_latents
from facefill.inversion.masking import MaskMaker
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models import pretrained
from facefill.models.generation import generate
from facefill.parameters import AlignOptions, CompleteOptions, HmcOptions
from facefill.preparation.extraction import extract
from facefill.preparation.splits import TEST, split
from facefill.runtime.rng import uniform_latents

COUNT = 20
MASK = build_mask("center", 64)
NUM_PHOTOS = 12
SHORT = HmcOptions(chains=2, warm_up=10, draws=10)


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_nine_of_ten_hidden_pixels_of_faces_from_the_model_are_in_their_intervals():
    networks = pretrained.load_pair()
    # The errors of these faces are the model's noise, hidden or not.
    hmc = HmcOptions(hidden_growth=0.0)
    options = CompleteOptions(method="hmc", hmc=hmc)
    draw = np.random.default_rng(1)
    latents = uniform_latents(draw, COUNT, networks.generator.input_shape[1])
    truth = generate(networks.generator, latents)
    noisy = truth + draw.laplace(0.0, options.hmc.noise, truth.shape)
    faces = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    targets = [Measurement(f"{place}", face, MASK) for place, face in enumerate(faces)]

    all_found = LatentSearch(*networks, options, lam=0.1, seed=1).run(targets)

    generated, observed = [], []
    for place, (found, *_) in enumerate(all_found):
        posterior, hole = found.posterior, ~MASK
        variables = posterior.draws.variables.reshape(-1, latents.shape[1])
        pictures = generate(
            networks.generator, np.asarray(to_latents(variables, "normal"))
        )
        interval = np.quantile(pictures[:, hole], [LOW, HIGH], axis=0)
        generated.append(coverage(*interval, truth[place][hole]))
        observed.append(
            coverage(posterior.low[hole], posterior.high[hole], faces[place][hole])
        )
    assert 0.85 < np.mean(generated) < 0.95
    assert 0.85 < np.mean(observed) < 0.95


@pytest.fixture(scope="module")
def held_out_faces():
    """Faces of as many people whom the pretrained model was not trained on."""
    root = Path(os.environ["FACEFILL_LFW"])
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
    sides = split(names, names, 0.1, 1)
    faces = {}
    for name, side in zip(names, sides, strict=True):
        person = name.rpartition("/")[0]
        if side != TEST or person in faces:
            continue
        found = extract(read_photo(root / name), AlignOptions(), 64).faces
        if found and not found[0].reason:
            faces[person] = found[0].pixels
        if len(faces) == NUM_PHOTOS:
            break
    return faces


@pytest.mark.lfw
@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.skipif("FACEFILL_LFW" not in os.environ, reason="FACEFILL_LFW is not set")
@pytest.mark.parametrize("mask", ["center", "left", "bottom", "random", "grid"])
def test_nine_of_ten_hidden_pixels_of_photos_are_in_their_intervals(
    held_out_faces, mask
):
    # The chains move G(z) by far less than it is from a photo: a few draws will do.
    options = CompleteOptions(method="hmc", iterations=150, hmc=SHORT)
    maker = MaskMaker(mask, options, 1)
    search = LatentSearch(*pretrained.load_pair(), options, lam=0.1, seed=1)
    targets = [maker.degraded(key, face) for key, face in held_out_faces.items()]
    inside = []
    for (found, *_), target in zip(search.run(targets), targets, strict=True):
        hole, posterior = ~target.mask, found.posterior
        truth = held_out_faces[target.key][hole]
        inside.append(coverage(posterior.low[hole], posterior.high[hole], truth))
    assert 0.85 < np.mean(inside) < 0.95
