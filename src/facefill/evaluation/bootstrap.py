"""Confidence intervals of a mean or median over faces, by bootstrap (Efron 1979).

Those of ``scipy.stats.bootstrap`` draw other resamples, so other last digits. The
percentiles of resamples are too close together where faces are few: of eight faces they
hold the mean nine times in ten. There a mean has Student's interval.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from facefill.runtime.rng import Purpose, keyed_rng

COVERAGE = 0.95

FEW = 30
"""Faces below which a mean has Student's interval."""


def bootstrap_interval(
    values: NDArray[np.float64],
    resamples: int,
    seed: int,
    average: Callable[..., Any] = np.mean,
) -> tuple[float, float]:
    """Bound the mean of what the values were drawn from, with 95 % confidence.

    The percentiles of the means of resamples, or Student's interval of a mean of fewer
    than ``FEW`` values. The same seed draws the same faces,
    so that differences of methods on the same faces can be bounded, too.

    Args:
        values: Finite, one a face, at least one.
        resamples: How many.
        seed: Of the draw.
        average: What is bounded: ``np.mean``, or ``np.median``.

    Returns:
        Lower and upper end; a single value is both, and bounds nothing.
    """
    if average is np.mean and 1 < len(values) < FEW:
        return _student_interval(values)
    rows = resampled(len(values), resamples, seed)
    return interval_of(average(values[rows], axis=1))


def _student_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    quantile = stdtrit(len(values) - 1, 0.5 * (1.0 + COVERAGE))
    half = float(quantile * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - half, float(values.mean()) + half


def resampled(count: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Draw rows with replacement, ``count`` of them, ``resamples`` times."""
    rng = keyed_rng(seed, Purpose.BOOTSTRAP)
    return rng.integers(count, size=(resamples, count))


def interval_of(statistics: NDArray[np.float64]) -> tuple[float, float]:
    """Bound a statistic by its values in resamples."""
    tail = 50.0 * (1.0 - COVERAGE)
    low, high = np.percentile(statistics, [tail, 100.0 - tail])
    return float(low), float(high)
