"""Candidates from chains."""

import numpy as np
from scipy.stats import norm

from facefill.imaging.pictures import to_uint8
from facefill.inversion.hmc.summary import error_scales
from searching import HMC, run, same, search, targets


def test_a_photos_posterior_is_the_same_alone_among_others_and_again(networks):
    many = targets(6)
    searching = search(networks, **HMC)
    together = list(searching.run(many))
    for place in (0, 4):
        (alone,) = searching.run([many[place]])
        assert len(alone) == 3
        assert all(map(same, alone, together[place]))
    assert same(run(search(networks, **HMC), many)[2], together[2][0])


def test_chains_give_the_mean_first_and_then_draws(networks):
    (found,) = search(networks, **HMC).run(targets(1))
    mean, *others = found
    posterior = mean.posterior

    variables = posterior.draws.variables.reshape(-1, 8).astype(np.float64)
    latents = (2.0 * norm.cdf(variables) - 1.0).astype(np.float32)
    pictures = np.asarray(networks[0](latents, training=False))
    assert len(pictures) == 8
    assert np.abs(mean.generated - to_uint8(pictures.mean(axis=0))).max() <= 1
    for one in others:
        distances = np.abs(latents - one.latent).max(axis=1)
        drawn = to_uint8(pictures[distances.argmin()])
        assert distances.min() < 1e-5
        assert np.abs(one.generated.astype(int) - drawn).max() <= 1
    assert [one.loss for one in others] == sorted(one.loss for one in others)
    assert mean.diagnosis.effective_size > 0


def test_progress_counts_leapfrogs_too(networks):
    counted = []
    searching = search(networks, **HMC)
    list(searching.run(targets(5), advance=lambda done, note="": counted.append(done)))
    assert sum(counted) == 5 * searching.iterations_per_photo


def test_maps_are_wider_inside_a_hole_and_nothing_else_changes(networks):
    one = targets(1)
    hmc = HMC["hmc"]
    ((alike, *_),), ((wider, *_),) = (
        search(networks, **HMC | {"hmc": hmc | {"hidden_growth": growth}}).run(one)
        for growth in (0.0, 1.0)
    )
    mask = one[0].mask
    scales = error_scales(mask, 11.0, 1.0)[..., 0]
    deep = scales > 11.0
    assert deep.any()

    assert np.array_equal(alike.generated, wider.generated)
    assert np.array_equal(alike.posterior.deviation, wider.posterior.deviation)
    assert np.array_equal(alike.latent, wider.latent)
    spans = [
        one.posterior.high.astype(int) - one.posterior.low for one in (alike, wider)
    ]
    assert np.array_equal(spans[0][~deep], spans[1][~deep])
    assert spans[1][deep].mean() > spans[0][deep].mean() + 5
    assert np.all(spans[1] >= spans[0])
