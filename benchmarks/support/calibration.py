"""Calibration of posterior intervals: coverage, and the scale of Laplace noise."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def laplace_scale(
    generated: Sequence[NDArray[Any]],
    faces: Sequence[NDArray[Any]],
    masks: Sequence[NDArray[np.bool_]],
) -> float:
    """Estimate of ``complete.hmc.noise`` from faces that were not trained on.

    The likeliest scale of Laplace noise is the mean absolute error (over the known
    pixels, for what the hole hides the search has not seen).

    Args:
        generated: G(z) that a search has found for each, in grey levels, (S, S, 3).
        faces: The faces, (S, S, 3).
        masks: Their known pixels, bool (S, S), True = known.

    Returns:
        In grey levels.
    """
    errors = [
        np.abs(np.asarray(picture, np.float64) - face)[mask].ravel()
        for picture, face, mask in zip(generated, faces, masks, strict=True)
    ]
    return float(np.concatenate(errors).mean())


def coverage(low: NDArray[Any], high: NDArray[Any], truth: NDArray[Any]) -> float:
    """Share of values that lie in their intervals, borders included."""
    return float(((low <= truth) & (truth <= high)).mean())
