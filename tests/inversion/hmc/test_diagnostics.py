"""R-hat and effective sample size against closed forms and brute force."""

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from facefill.inversion.hmc.diagnostics import bulk_effective_size, split_r_hat


def autoregressive(share, chains=4, draws=4000, seed=0):
    """Chains whose neighbours correlate by ``share``, each N(0, 1)."""
    noise = np.random.default_rng(seed).standard_normal((chains, draws))
    values = np.empty_like(noise)
    values[:, 0] = noise[:, 0]
    for place in range(1, draws):
        values[:, place] = (
            share * values[:, place - 1] + (1 - share**2) ** 0.5 * noise[:, place]
        )
    return values


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, -0.3])
def test_draws_that_correlate_count_as_the_closed_form_says(share):
    runs = [autoregressive(share, seed=seed) for seed in range(10)]

    # One estimate alone errs by a tenth.
    size = bulk_effective_size(np.stack(runs, axis=-1)).mean()

    assert size == pytest.approx(16000 * (1 - share) / (1 + share), rel=0.1)


def brute_force_effective_size(chains):
    """Vehtari et al. 2021, equations 1 to 13, sum by sum."""
    num_chains, draws = chains.shape
    scores = norm.ppf(
        (rankdata(chains).reshape(chains.shape) - 0.375) / (chains.size + 0.25)
    )
    within = np.mean([np.var(one, ddof=1) for one in scores])
    between = np.var([np.mean(one) for one in scores], ddof=1)
    total = (draws - 1) / draws * within + between
    correlations = []
    for lag in range(draws):
        products = []
        for one in scores:
            centred = one - one.mean()
            covariance = (centred[: draws - lag] * centred[lag:]).sum() / (draws - 1)
            products.append(covariance)
        correlations.append(1 - (within - np.mean(products)) / total)
    correlations[0] = 1.0
    time, smallest = -1.0, np.inf
    for lag in range(0, draws - 1, 2):
        pair = correlations[lag] + correlations[lag + 1]
        if pair <= 0:
            break
        smallest = min(smallest, pair)
        time += 2 * smallest
    return num_chains * draws / max(time, 1 / np.log10(num_chains * draws))


@pytest.mark.parametrize("share", [0.0, 0.7, 0.97])
def test_the_effective_size_is_that_of_the_sums_written_out(share):
    chains = autoregressive(share, chains=3, draws=101, seed=2)
    halves = np.concatenate([chains[:, :50], chains[:, -50:]])

    assert bulk_effective_size(chains) == pytest.approx(
        brute_force_effective_size(halves)
    )


def test_chains_that_agree_have_an_r_hat_of_1():
    chains = np.random.default_rng(0).standard_normal((4, 1000, 5))

    assert split_r_hat(chains) == pytest.approx(1.0, abs=0.01)


def test_chains_at_different_places_have_the_r_hat_of_the_closed_form():
    chains = np.random.default_rng(0).standard_normal((2, 20000))
    scores = chains + np.array([[-1.0], [1.0]])

    # W is 1 and the means vary by 4/3 over the halves. Ranks make normal scores of a
    # mixture that is nearly normal, but for its ends.
    assert split_r_hat(scores) == pytest.approx((1 + 4 / 3) ** 0.5, rel=0.03)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda chains: chains * np.array([1.0, 1.0, 1.0, 3.0])[:, None],
        lambda chains: chains + np.linspace(-1.0, 1.0, 1000),
        lambda chains: chains + np.array([0.0, 0.0, 0.0, 1.0])[:, None],
    ],
    ids=["another scale", "drift", "another place"],
)
def test_what_has_not_converged_is_found(spoil):
    chains = np.random.default_rng(0).standard_normal((4, 1000))

    assert split_r_hat(spoil(chains)) > 1.05


def test_chains_that_never_move_are_no_sample():
    stuck = np.repeat(np.arange(4.0)[:, None], 100, axis=1)

    assert split_r_hat(stuck) > 1e6
    assert bulk_effective_size(stuck) < 5
    assert split_r_hat(np.zeros((4, 100))) == 1.0


def test_a_monotone_map_changes_neither():
    chains = autoregressive(0.5, draws=200)

    # Ranks are the same; the folded part of R-hat is smaller in both.
    assert bulk_effective_size(np.exp(chains)) == bulk_effective_size(chains)
