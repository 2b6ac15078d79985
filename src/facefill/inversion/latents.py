"""Latents: where a search begins, and how it stays where latents can be.

A latent is uniform in [-1, 1] in each coordinate. A search moves variables, which
are the latents themselves and are put back after each step (``clip``; or
``stochastic_clip`` of Lipton and Tripathi 2017, arXiv 1702.04782, which draws what
has left anew), or numbers u with z = 2 Phi(u) - 1 (``normal``), which are free,
and normally distributed if z is uniform.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops
from scipy.special import ndtri

from facefill.backend.types import Tensor
from facefill.parameters.choices import Projection
from facefill.runtime import rng

# u of the largest float32 below 1 is 5.4; further out z would not be moved any more.
_LARGEST_U = 5.0


def first_latent(seed: int, key: str, latent_size: int, start: int = 0) -> np.ndarray:
    """Draw a latent at which a photo's search begins; float32 (latent_size,)."""
    place = (rng.photo_key(key), start) if start else (rng.photo_key(key),)
    draw = rng.keyed_rng(seed, rng.Purpose.SEARCH, *place)
    return np.asarray(rng.uniform_latents(draw, 1, latent_size)[0])


def to_variables(latents: np.ndarray, projection: Projection) -> np.ndarray:
    """Give the variables of latents, float32 of the same shape."""
    if projection != "normal":
        return latents
    u = ndtri((latents.astype(np.float64) + 1.0) / 2.0)
    return np.asarray(np.clip(u, -_LARGEST_U, _LARGEST_U), np.float32)


def to_latents(variables: Tensor, projection: Projection) -> Tensor:
    """Give the latents of variables, in the graph."""
    if projection != "normal":
        return variables
    return ops.erf(variables * 0.5**0.5)


def project(variables: Tensor, redraws: Tensor, projection: Projection) -> Tensor:
    """Put variables back to where latents can be, in the graph.

    Args:
        variables: After a step, (N, latent_size).
        redraws: Uniform in [-1, 1], of the same shape; only ``stochastic_clip``
            reads them.
        projection: How.
    """
    if projection == "normal":
        return ops.clip(variables, -_LARGEST_U, _LARGEST_U)
    if projection == "stochastic_clip":
        return ops.where(ops.abs(variables) > 1.0, redraws, variables)
    return ops.clip(variables, -1.0, 1.0)


def draw_redraws(
    seed: int,
    slots: Sequence[tuple[str, int]],
    iterations: range,
    latent_size: int,
) -> np.ndarray:
    """Draw what stochastic clipping may need, for each iteration and search.

    Args:
        seed: Of the run.
        slots: Photo and start of each search.
        iterations: Numbers of the iterations.
        latent_size: Length of a latent.

    Returns:
        float32 (iterations, slots, latent_size).
    """
    drawn = [
        rng.uniform_latents(
            rng.keyed_rng(
                seed,
                rng.Purpose.PROJECTION,
                rng.photo_key(photo),
                start,
                iteration,
            ),
            1,
            latent_size,
        )
        for iteration in iterations
        for photo, start in slots
    ]
    return np.stack(drawn).reshape(len(iterations), len(slots), latent_size)
