"""Solvers of Laplace's equation in a hole, with known values at its border.

Every unknown value of the solution (a membrane) is the mean of its four neighbours.
At the edge of the picture the boundary is free (Neumann).

Synopsis::

    filled = membrane(values, known)  # float32 (height, width, channels)
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from facefill.imaging.masks import Mask

Floats: TypeAlias = NDArray[np.float32]

# A membrane is solved for exactly up to this side; 96x96 take about 40 ms.
_EXACT_PX = 96
# Rounds of relaxation at each size above. A round carries a value one pixel far;
# what has further to go was settled at half the size before.
_RELAXATIONS = 24


def membrane(values: Floats, known: Mask) -> Floats:
    """Smoothest continuation of values into a hole.

    Solves Laplace's equation in the hole, with the known values at its border
    and free edges: exactly for a small picture, from coarse to fine for a large
    one, where each size starts from the solution at half of it and is relaxed a
    few times. The error is then one or two hundredths of the range of the
    values, and the time proportional to the number of pixels, where a direct
    solve of a hole of 1000x1000 pixels takes minutes.

    Args:
        values: float32 (height, width, channels).
        known: bool (height, width); values elsewhere are not read.

    Returns:
        float32 of the same shape, equal to ``values`` where they are known; zero
        if they are known nowhere.
    """
    values = np.where(known[..., None], values, np.float32(0))
    if known.all() or not known.any():
        return values
    height, width = known.shape
    if max(height, width) <= _EXACT_PX:
        return np.asarray(solve_laplace(values, known), np.float32)
    coarse = membrane(*_halve(values, border(known)))
    enlarged = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    start = np.asarray(enlarged, np.float32).reshape(values.shape)
    return _relax(np.where(known[..., None], values, start), known)


def border(known: Mask) -> Mask:
    """Known pixels next to the hole, the only ones that the solution depends on."""
    near = cv2.dilate((~known).astype(np.uint8), np.ones((3, 3), np.uint8))
    return known & (near > 0)


def _halve(values: Floats, known: Mask) -> tuple[Floats, Mask]:
    """Mean of the known values of each 2x2 block, and which blocks have any."""
    height, width, channels = values.shape
    padding = (0, height % 2), (0, width % 2)
    weight = np.pad(known, padding).astype(np.float32)[..., None]
    weighted = np.pad(np.where(known[..., None], values, 0), (*padding, (0, 0)))
    blocks = (len(weight) // 2, 2, weight.shape[1] // 2, 2)
    count = weight.reshape(*blocks, 1).sum(axis=(1, 3))
    total = weighted.reshape(*blocks, channels).sum(axis=(1, 3))
    mean = total / np.maximum(count, 1)
    return mean.astype(np.float32), np.asarray(count[..., 0] > 0)


def _relax(values: Floats, known: Mask) -> Floats:
    """Jacobi relaxation: unknown values become the mean of their neighbours."""
    neighbours = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
    weight = np.where(known, 0.0, 1.0).astype(np.float32)[..., None]
    fixed = values * (1 - weight)
    for _ in range(_RELAXATIONS):
        mean = cv2.filter2D(values, -1, neighbours, borderType=cv2.BORDER_REPLICATE)
        values = fixed + weight * np.asarray(mean, np.float32).reshape(values.shape)
    return values


def solve_laplace(values: NDArray[np.floating], known: Mask) -> NDArray[np.floating]:
    """Exact continuation of values into a hole, by one sparse solve.

    Args:
        values: Floating, (height, width, channels); zero where unknown.
        known: bool (height, width), at least one True and one False.

    Returns:
        Solution of the same shape and type. There is exactly one: every unknown
        pixel of a picture is joined to a known one by its neighbours.
    """
    matrix, border = _laplace_system(known)
    solution = values.copy()
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    right_side = border @ values.reshape(known.size, -1).astype(np.float64)
    solution[~known] = factors.solve(right_side)
    return solution


def _laplace_system(mask: Mask) -> tuple[csc_array, csc_array]:
    """Graph Laplacian of the hole, and its coupling to the known pixels.

    Returns:
        ``matrix`` (H, H) for the H pixels of the hole, and ``border`` (H, all
        pixels), with ``matrix @ unknown = border @ known``.
    """
    pixel = np.arange(mask.size).reshape(mask.shape)
    pairs = np.concatenate(
        [
            np.stack([pixel[:, :-1].ravel(), pixel[:, 1:].ravel()], axis=1),
            np.stack([pixel[:-1].ravel(), pixel[1:].ravel()], axis=1),
        ]
    )
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    is_known = mask.ravel()
    pairs = pairs[~is_known[pairs[:, 0]]]
    unknown = np.cumsum(~is_known) - 1
    num_unknown = int((~is_known).sum())
    row, neighbour = unknown[pairs[:, 0]], pairs[:, 1]
    inner = ~is_known[neighbour]
    degree = np.bincount(row, minlength=num_unknown)
    diagonal = np.arange(num_unknown)
    matrix = csc_array(
        (
            np.concatenate([degree, np.full(inner.sum(), -1.0)]),
            (
                np.concatenate([diagonal, row[inner]]),
                np.concatenate([diagonal, unknown[neighbour[inner]]]),
            ),
        ),
        shape=(num_unknown, num_unknown),
    )
    border = csc_array(
        (np.ones((~inner).sum()), (row[~inner], neighbour[~inner])),
        shape=(num_unknown, mask.size),
    )
    return matrix, border
