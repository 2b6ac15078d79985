"""Latents: their random start, and the projections that keep them in [-1, 1].

A latent is uniform in [-1, 1] in each coordinate. A search moves variables, which
are the latents themselves, projected after each step (``clip``; or
``stochastic_clip`` of Lipton and Tripathi 2017, arXiv 1702.04782, which redraws
coordinates that have left), or numbers u with z = 2 Phi(u) - 1 (``normal``), which
are free, and normally distributed if z is uniform.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops
from scipy.special import ndtri

from facefill.backend.types import Tensor
from facefill.parameters.choices import Projection
from facefill.runtime.rng import Purpose, keyed_rng, photo_key, uniform_latents

# u of the largest float32 below 1 is 5.4; further out z would not be moved any more.
_LARGEST_U = 5.0


def first_latent(seed: int, key: str, latent_size: int, start: int = 0) -> np.ndarray:
    """Random latent at which a photo's search begins, float32 (latent_size,).

    Args:
        seed: Seed of the run.
        key: Id of the photo.
        latent_size: Length of the latent.
        start: Number of the start among those of the photo.
    """
    index = (photo_key(key), start) if start else (photo_key(key),)
    rng = keyed_rng(seed, Purpose.SEARCH, *index)
    return np.asarray(uniform_latents(rng, 1, latent_size)[0])


def to_variables(latents: np.ndarray, projection: Projection) -> np.ndarray:
    """Variables of latents, float32 of the same shape."""
    if projection != "normal":
        return latents
    u = ndtri((latents.astype(np.float64) + 1.0) / 2.0)
    return np.asarray(np.clip(u, -_LARGEST_U, _LARGEST_U), np.float32)


def to_latents(variables: Tensor, projection: Projection) -> Tensor:
    """Latents of variables, in the graph."""
    if projection != "normal":
        return variables
    return ops.erf(variables * 0.5**0.5)


def project(variables: Tensor, redraws: Tensor, projection: Projection) -> Tensor:
    """Project variables back into the range of latents, in the graph.

    Args:
        variables: Variables after a step, (N, latent_size).
        redraws: Uniform random numbers in [-1, 1], of the same shape; only
            ``stochastic_clip`` reads them.
        projection: The kind of projection.
    """
    if projection == "normal":
        return ops.clip(variables, -_LARGEST_U, _LARGEST_U)
    if projection == "stochastic_clip":
        return ops.where(ops.abs(variables) > 1.0, redraws, variables)
    return ops.clip(variables, -1.0, 1.0)


def draw_redraws(
    seed: int,
    starts: Sequence[tuple[str, int]],
    iterations: range,
    latent_size: int,
) -> np.ndarray:
    """Random numbers of stochastic clipping, for each iteration and search.

    Args:
        seed: Seed of the run.
        starts: Photo id and start number of each search.
        iterations: Numbers of the iterations, from 0.
        latent_size: Length of a latent.

    Returns:
        float32 (iterations, searches, latent_size).
    """
    redraws = [
        uniform_latents(
            keyed_rng(seed, Purpose.PROJECTION, photo_key(photo), start, iteration),
            1,
            latent_size,
        )
        for iteration in iterations
        for photo, start in starts
    ]
    return np.stack(redraws).reshape(len(iterations), len(starts), latent_size)
