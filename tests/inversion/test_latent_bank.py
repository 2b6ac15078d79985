import numpy as np
import pytest

from facefill.imaging.pictures import to_float
from facefill.inversion.latent_bank import LatentBank
from searching import search, targets


def test_the_bank_gives_the_latents_whose_pictures_fit_the_known_pixels(networks):
    (target,) = targets(1)
    searching = search(networks, bank_size=64, starts=3, candidates=3, iterations=1)
    first = {
        found.start: found for (one,) in [searching.run([target])] for found in one
    }
    difference = to_float(searching.starts.bank.pictures) - to_float(target.face)
    distances = np.abs(difference[:, target.mask]).sum(axis=(1, 2))
    order = np.argsort(distances)
    for start in range(3):
        assert first[start].history[0, 0] == pytest.approx(
            distances[order[start]], rel=1e-2
        )


@pytest.mark.parametrize("name", ["center", "lowres", "colorize", "denoise"])
def test_the_nearest_is_nearest_by_what_is_measured(networks, name):
    bank, (target,) = LatentBank(networks[0], 300, seed=1), targets(1, name)
    difference = target.measure(bank.pictures) - target.measure(target.face[None])
    distances = np.abs(difference).sum(axis=1, dtype=np.float64)
    order = np.argsort(distances, kind="stable")
    assert np.array_equal(bank.nearest(target, 4), bank.latents[order[:4]])
