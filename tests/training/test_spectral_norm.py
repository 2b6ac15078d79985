"""Spectral norm against numpy's singular values."""

import numpy as np
import pytest

from facefill.backend import graph
from facefill.training import spectral_norm


def weights():
    draw = np.random.default_rng(0)
    return [
        draw.normal(size=(5, 5, 3, 8)).astype(np.float32),
        draw.normal(size=8).astype(np.float32),
        draw.normal(size=(40, 1)).astype(np.float32),
    ]


def test_kernels_are_divided_by_their_largest_singular_value():
    vectors = spectral_norm.initial_vectors(weights(), seed=1)
    for _ in range(150):
        found, vectors = spectral_norm.normalized(weights(), vectors)
    for given, ours in zip(weights(), found, strict=True):
        matrix = given.reshape(-1, given.shape[-1])
        largest = np.linalg.svd(matrix, compute_uv=False)[0] if given.ndim > 1 else 1.0
        assert np.asarray(ours) == pytest.approx(given / largest, rel=1e-3)


def test_a_round_starts_where_the_last_one_ended():
    vectors = spectral_norm.initial_vectors(weights(), seed=1)
    assert [np.asarray(vector).shape for vector in vectors] == [(8,), (1,)]
    matrix = weights()[0].reshape(-1, 8)
    left = matrix @ np.asarray(vectors[0])
    right = matrix.T @ left
    _, (after, _) = spectral_norm.normalized(weights(), vectors)
    assert np.asarray(after) == pytest.approx(right / np.linalg.norm(right), rel=1e-4)


def test_the_first_vectors_are_of_the_seed():
    one, again, other = (
        spectral_norm.initial_vectors(weights(), seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(one[0], again[0])
    assert not np.array_equal(one[0], other[0])


def test_the_gradient_is_that_of_miyato_equation_10():
    # d/dW <A, W / sigma> = (A - <A, W/sigma> u v^T) / sigma, with u and v fixed.
    matrix = weights()[0].reshape(-1, 8)
    towards = np.random.default_rng(3).normal(size=matrix.shape).astype(np.float32)
    vectors = spectral_norm.initial_vectors([matrix], seed=1)
    for _ in range(150):
        _, vectors = spectral_norm.normalized([matrix], vectors)

    def loss(kernels):
        (normalized,), _ = spectral_norm.normalized(kernels, vectors)
        return (sum_of(normalized * towards),), ()

    ((found,),), _ = graph.gradients(loss, ([graph.to_device(matrix)],))
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    inner = (towards * matrix / sizes[0]).sum()
    expected = (towards - inner * np.outer(left[:, 0], right[0])) / sizes[0]
    assert np.asarray(found) == pytest.approx(expected, abs=1e-3)


def sum_of(values):
    from keras import ops

    return ops.sum(values)
