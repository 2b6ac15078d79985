"""Bootstrap confidence intervals of a mean over faces (Efron 1979).

Those of ``scipy.stats.bootstrap`` draw other resamples, so other last digits.
"""

import numpy as np
from numpy.typing import NDArray

from facefill.runtime.rng import Purpose, keyed_rng

COVERAGE = 0.95


def bootstrap_interval(
    values: NDArray[np.float64], resamples: int, seed: int
) -> tuple[float, float]:
    """Bound the mean of what the values were drawn from, with 95 % confidence.

    The percentiles of the means of resamples. The same seed draws the same faces,
    so that differences of methods on the same faces can be bounded, too.

    Args:
        values: Finite, one a face, at least one.
        resamples: How many.
        seed: Of the draw.

    Returns:
        Lower and upper end.
    """
    rng = keyed_rng(seed, Purpose.BOOTSTRAP)
    rows = rng.integers(len(values), size=(resamples, len(values)))
    means = values[rows].mean(axis=1)
    tail = 50.0 * (1.0 - COVERAGE)
    low, high = np.percentile(means, [tail, 100.0 - tail])
    return float(low), float(high)
