"""Convergence diagnostics of chains: split R-hat and bulk effective sample size.

Vehtari, Gelman, Simpson, Carpenter, Buerkner 2021, Rank-normalization, folding, and
localization: an improved R-hat (arXiv 1903.08008). Chains are cut in halves, so that
one that still drifts differs from itself.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


def split_r_hat(chains: Floats) -> Floats:
    """Split R-hat: variance between chains over the variance within them.

    The larger of the R-hat of the rank-normalised draws and that of their distances
    from the median, which finds chains that differ in scale (section 4).

    Args:
        chains: (chains, draws, ...), 4 draws at least.

    Returns:
        For each quantity 1 if all agree, above 1.01 if more draws are needed; infinite
        if every chain stands still at a value of its own, and 1 if all at one.
    """
    halves = _halves(chains)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    return np.maximum(_r_hat(_normal_scores(halves)), _r_hat(_normal_scores(folded)))


def bulk_effective_size(chains: Floats) -> Floats:
    """Bulk effective sample size, for the mean of each quantity (section 4).

    Args:
        chains: (chains, draws, ...), 4 draws at least.

    Returns:
        For each quantity, up to draws log10(draws) of all chains together, which
        antithetic draws may reach.
    """
    return _effective_size(_normal_scores(_halves(chains)))


def _halves(chains: Floats) -> Floats:
    half = chains.shape[1] // 2
    # Of an odd number the draw in the middle is left out.
    return np.concatenate([chains[:, :half], chains[:, -half:]]).astype(np.float64)


def _normal_scores(chains: Floats) -> Floats:
    """Rank-normalised draws: normal quantiles of their ranks (equation 14)."""
    # A search without chains does without the second that this takes to import.
    from scipy.stats import rankdata

    count = chains.shape[0] * chains.shape[1]
    ranks = rankdata(chains.reshape(count, -1), axis=0)
    return np.asarray(ndtri((ranks - 0.375) / (count + 0.25)).reshape(chains.shape))


def _r_hat(chains: Floats) -> Floats:
    within, total = _variances(chains)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt(total / within)
    return np.where(total == 0.0, 1.0, ratio)


def _variances(chains: Floats) -> tuple[Floats, Floats]:
    """W and var+ of each quantity (equations 1 to 3)."""
    draws = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean(axis=0)
    between = chains.mean(axis=1).var(axis=0, ddof=1)
    return within, (draws - 1) / draws * within + between


def _effective_size(chains: Floats) -> Floats:
    num_chains, draws = chains.shape[:2]
    within, total = _variances(chains)
    covariances = _autocovariances(chains).mean(axis=0) * draws / (draws - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Equation 10; where all stands still nothing is learned after one draw.
        correlations = np.where(total > 0.0, 1.0 - (within - covariances) / total, 1.0)
    correlations[0] = 1.0
    pairs = correlations[: draws // 2 * 2].reshape(-1, 2, *chains.shape[2:]).sum(axis=1)
    # Geyer's initial positive sequence, made monotone.
    is_counted = np.logical_and.accumulate(pairs > 0.0, axis=0)
    pairs = np.where(is_counted, np.minimum.accumulate(pairs, axis=0), 0.0)
    time = 2.0 * pairs.sum(axis=0) - 1.0
    count = num_chains * draws
    return np.asarray(count / np.maximum(time, 1.0 / np.log10(count)))


def _autocovariances(chains: Floats) -> Floats:
    """Biased autocovariances of each chain at every lag."""
    draws = chains.shape[1]
    centred = chains - chains.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * draws, axis=1)
    power = np.fft.irfft(spectrum * spectrum.conj(), 2 * draws, axis=1)
    return np.asarray(power[:, :draws] / draws)
