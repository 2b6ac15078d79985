"""Fréchet (FID) and kernel (KID) distances between two sets of features.

Both take one row of features a face. What they give depends on the features and,
for the Frechet distance, on the number of faces, so a value means something only
beside the value of real faces against real ones, as many and by the same features.
"""

import numpy as np
from numpy.typing import NDArray

from facefill.errors import DataError

Features = NDArray[np.float64]


def frechet_distance(a: Features, b: Features) -> float:
    """Measure the Frechet distance of the normal distributions fitted to two sets.

    |mean_1 - mean_2|^2 + trace(C_1 + C_2 - 2 (C_1 C_2)^(1/2)), with covariances C
    (Dowson & Landau 1982; Heusel et al. 2017, arXiv 1706.08500, equation 6). It is
    biased upwards for few faces.

    Args:
        a: Features, float64 (faces, features).
        b: The same of other faces, of any number.

    Raises:
        DataError: If a set has fewer than two faces.
    """
    _require_two(a, b)
    difference = a.mean(axis=0) - b.mean(axis=0)
    covariances = [np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b)]
    root = _square_root(covariances[0])
    # C_1 C_2 has the eigenvalues of the symmetric root(C_1) C_2 root(C_1), which has
    # none below zero, whatever the rank.
    values = np.linalg.eigvalsh(root @ covariances[1] @ root)
    overlap = float(np.sqrt(np.clip(values, 0.0, None)).sum())
    spread = float(np.trace(covariances[0]) + np.trace(covariances[1]))
    return max(0.0, float(difference @ difference) + spread - 2.0 * overlap)


def kernel_distance(a: Features, b: Features) -> float:
    """Estimate the squared maximum mean discrepancy without bias.

    With the kernel (x . y / features + 1)^3 of the kernel inception distance
    (Binkowski et al. 2018, arXiv 1801.01401); the mean over pairs leaves out a face
    with itself, so that equal distributions give 0 on average, at times less.

    Args:
        a: Features, float64 (faces, features).
        b: The same of other faces, of any number.

    Raises:
        DataError: If a set has fewer than two faces.
    """
    _require_two(a, b)
    across = float(_kernel(a, b).mean())
    return _mean_of_pairs(a) + _mean_of_pairs(b) - 2.0 * across


def mean_pairwise_distance(features: Features) -> float:
    """Measure how different the faces of a set are: the mean over all pairs.

    Raises:
        DataError: If there are fewer than two.
    """
    _require_two(features)
    squares = np.square(features).sum(axis=1)
    between = squares[:, None] + squares - 2.0 * features @ features.T
    distances = np.sqrt(np.clip(between, 0.0, None))
    np.fill_diagonal(distances, 0.0)
    return float(distances.sum() / (len(features) * (len(features) - 1)))


def _kernel(a: Features, b: Features) -> Features:
    return np.asarray((a @ b.T / a.shape[1] + 1.0) ** 3)


def _mean_of_pairs(features: Features) -> float:
    kernel, count = _kernel(features, features), len(features)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))


def _square_root(matrix: Features) -> Features:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T)


def _require_two(*sets: Features) -> None:
    for features in sets:
        if len(features) < 2:
            raise DataError(
                f"a distance between sets of faces needs two faces in each, not "
                f"{len(features)}"
            )
