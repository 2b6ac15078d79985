"""Spectral norm of a network's kernels (Miyato et al. 2018, arXiv 1802.05957).

A kernel is divided by its largest singular value, which a power iteration follows
from step to step: one round a step, from the vector that the last one left. The
vectors are part of the training's state, so a continued training goes on with them;
``keras.layers.SpectralNormalization`` wraps every layer instead, and model files would
hold the wrappers and their vectors.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops

from facefill.backend.types import Tensor
from facefill.runtime import rng

_EPSILON = 1e-12


def initial_vectors(weights: Sequence[Tensor], seed: int) -> list[Tensor]:
    """Draw the vectors to begin with, one for each kernel.

    Args:
        weights: Of the network; what has one axis (biases) has no vector.
        seed: Of the draw.

    Returns:
        For each kernel a unit vector as long as its last axis, float32.
    """
    vectors = []
    for index, kernel in enumerate(_kernels(weights)):
        kernel_rng = rng.keyed_rng(seed, rng.Purpose.SPECTRAL, index)
        vector = kernel_rng.normal(size=kernel.shape[-1]).astype(np.float32)
        vectors.append(ops.convert_to_tensor(vector / np.linalg.norm(vector)))
    return vectors


def normalized(
    weights: Sequence[Tensor], vectors: Sequence[Tensor]
) -> tuple[list[Tensor], list[Tensor]]:
    """Divide each kernel by its largest singular value.

    Args:
        weights: Of the network, float32.
        vectors: One for each kernel, from ``initial_vectors`` or the step before.

    Returns:
        The weights, differentiable by those given, and the next vectors.
    """
    remaining, changed, result = iter(vectors), [], []
    for value in weights:
        if len(value.shape) == 1:
            result.append(value)
            continue
        matrix = ops.reshape(value, (-1, value.shape[-1]))
        left, right = _round_of_power_iteration(matrix, next(remaining))
        largest = ops.sum(left * ops.matmul(matrix, right))
        changed.append(right)
        result.append(value / largest)
    return result, changed


def _round_of_power_iteration(matrix: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Move both singular vectors; as in the paper, no gradient goes through them."""
    fixed = ops.stop_gradient(matrix)
    left = _unit(ops.matmul(fixed, right))
    return left, _unit(ops.matmul(left, fixed))


def _unit(vector: Tensor) -> Tensor:
    return vector / (ops.sqrt(ops.sum(ops.square(vector))) + _EPSILON)


def _kernels(weights: Sequence[Tensor]) -> list[Tensor]:
    return [value for value in weights if len(value.shape) > 1]
