"""Whether the intervals of the shipped generator hold what they promise."""

import numpy as np
import pytest

from calibration import coverage
from facefill.imaging.masks import build_mask
from facefill.inversion.hmc.summary import HIGH, LOW
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models import pretrained
from facefill.models.generation import generate
from facefill.parameters import CompleteOptions, HmcOptions
from facefill.runtime.rng import uniform_latents

COUNT = 20
MASK = build_mask("center", 64)


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
