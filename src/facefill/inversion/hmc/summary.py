"""Posterior summaries of a face: mean, deviation, quantiles, convergence.

The model is that of ``energy``: a pixel of the face is one of G(z) plus noise from a
Laplace distribution of scale b. So the draws of z give the mean face and the standard
deviation of each pixel of G(z), and with the noise the interval in which the pixel of
the face itself lies. The search has fitted G(z) to the known pixels; it is further from
hidden ones, the more so the further these are from any that is known, so that their
noise has a scale of its own.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.pictures import to_uint8
from facefill.inversion.hmc.chains import Draws
from facefill.inversion.hmc.diagnostics import bulk_effective_size, split_r_hat

LOW, HIGH = 0.05, 0.95
"""Probabilities of the quantile maps."""

_NUM_FRAMES = 24
# Draws whose noise is mixed: more would change the intervals by less than they are
# known, and take seconds.
_NUM_MIXED = 128
# Halvings of 255 grey levels and the tails of the noise, down to 0.01.
_HALVINGS = 17


@dataclass(frozen=True)
class Diagnosis:
    """Convergence diagnostics of the chains of a photo.

    Attributes:
        acceptance: Mean acceptance probability after the warm-up.
        step_size: Mean over the chains, in units of the posterior's standard deviation.
        r_hat: The largest R-hat of all coordinates of u and of the energy; below 1.05
            with a few hundred draws if the chains agree. None of one chain.
        effective_size: The smallest bulk effective sample size of them. None likewise.
        median_effective_size: The median over them. None likewise.
        divergences: Number of divergent transitions.
    """

    acceptance: float
    step_size: float | None = None
    r_hat: float | None = None
    effective_size: float | None = None
    median_effective_size: float | None = None
    divergences: int = 0


@dataclass(frozen=True)
class Posterior:
    """Posterior of one face, in grey levels of 0 to 255.

    Attributes:
        mean: Of G(z), float32 (S, S, 3).
        deviation: Standard deviation of G(z), float32 (S, S, 3).
        low: Quantile ``LOW`` of the face's own pixels, noise included, uint8.
        high: Quantile ``HIGH`` of them.
        frames: Draws of G(z), evenly from all chains, uint8 (frames, S, S, 3).
        draws: The draws that it is a summary of.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    low: NDArray[np.uint8]
    high: NDArray[np.uint8]
    frames: NDArray[np.uint8]
    draws: Draws


def error_scales(
    mask: NDArray[np.bool_], noise: float, growth: float
) -> NDArray[np.float32]:
    """Scale of the Laplace noise of each pixel of a face.

    Args:
        mask: Known pixels, bool (S, S), True = known. Where nothing is known as it is,
            but everything in part (``lowres``, ``denoise``, ``colorize``), every pixel
            counts as known.
        noise: That of known pixels, in grey levels.
        growth: Power of the distance from the nearest known pixel.

    Returns:
        In grey levels, float32 (S, S, 1).
    """
    if not mask.any():
        return np.full((*mask.shape, 1), noise, np.float32)
    hidden = (~mask).astype(np.uint8)
    distance = cv2.distanceTransform(hidden, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    scales = noise * np.maximum(distance, 1.0)[..., None] ** growth
    return np.asarray(scales, np.float32)


def summarise(
    draws: Draws, pictures: NDArray[np.float32], noise: NDArray[np.float32] | float
) -> Posterior:
    """Posterior of one photo's face.

    Args:
        draws: Draws of its chains.
        pictures: G(z) of each, in [-1, 1], (chains * draws, S, S, 3).
        noise: Scale of the Laplace noise in grey levels, of all pixels or of each,
            (S, S, 1).
    """
    levels = (pictures + np.float32(1.0)) * np.float32(127.5)
    mixed = levels[_evenly(len(levels), _NUM_MIXED)]
    low, high = (predictive_quantile(mixed, noise, level) for level in (LOW, HIGH))
    return Posterior(
        mean=levels.mean(axis=0),
        deviation=levels.std(axis=0),
        low=_as_levels(low),
        high=_as_levels(high),
        frames=to_uint8(pictures[_evenly(len(levels), _NUM_FRAMES)]),
        draws=draws,
    )


def predictive_quantile(
    levels: NDArray[np.float32],
    noise: NDArray[np.float32] | float,
    probability: float,
) -> NDArray[np.float32]:
    """Quantile of draws with Laplace noise added to each, by bisection.

    The draws' distribution with the noise is a mixture of as many Laplace
    distributions.

    Args:
        levels: Draws, (N, ...), in grey levels.
        noise: Scale of the noise in grey levels, one or of each pixel.
        probability: Probability of the quantile, above 0, below 1.

    Returns:
        The quantile of each pixel to 0.01 grey levels, of the shape of one draw.
    """
    side = min(probability, 1.0 - probability)
    scale = np.asarray(noise, np.float32)
    shift = scale * math.copysign(math.log(2.0 * side), probability - 0.5)
    # The quantile of a mixture is between those of what is mixed.
    below, above = levels.min(axis=0) + shift, levels.max(axis=0) + shift
    for _ in range(_HALVINGS):
        middle = (below + above) / 2.0
        away = (middle - levels) / scale
        tail = 0.5 * np.exp(-np.abs(away))
        share = np.where(away < 0.0, tail, 1.0 - tail).mean(axis=0)
        is_above = share > probability
        below = np.where(is_above, below, middle)
        above = np.where(is_above, middle, above)
    return np.asarray((below + above) / 2.0, np.float32)


def diagnose(draws: Draws) -> Diagnosis:
    """Convergence diagnostics of the chains of one photo."""
    quantities = np.concatenate(
        [draws.variables, draws.energies[..., None]], axis=-1
    ).astype(np.float64)
    effective = bulk_effective_size(quantities)
    r_hat = float(split_r_hat(quantities).max())
    return Diagnosis(
        acceptance=float(draws.acceptance.mean()),
        step_size=float(draws.step_sizes.mean()),
        # JSON knows no infinity, which is that of chains that have not moved.
        r_hat=r_hat if math.isfinite(r_hat) else None,
        effective_size=float(effective.min()),
        median_effective_size=float(np.median(effective)),
        divergences=draws.divergences,
    )


def draws_to_show(draws: Draws, count: int) -> NDArray[np.int64]:
    """Choose draws: that of the lowest energy, then others evenly from all chains.

    Returns:
        Indices into the draws of all chains, one after the other, int64 (count,).
    """
    energies = draws.energies.ravel()
    best = int(energies.argmin())
    others = np.delete(np.arange(len(energies)), best)
    spread = (np.arange(count - 1) + 0.5) / max(count - 1, 1) * len(others)
    return np.array([best, *others[spread.astype(int)]], np.int64)


def _evenly(total: int, count: int) -> NDArray[np.int64]:
    """Indices of ``count`` of ``total``, evenly spaced, or all if there are fewer."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(np.int64)


def _as_levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
