"""Distances between sets of faces, against closed forms, brute force and scipy."""

import itertools

import numpy as np
import pytest
import scipy.linalg

from facefill.errors import DataError
from facefill.evaluation.distances import (
    frechet_distance,
    kernel_distance,
    mean_pairwise_distance,
)


def draw(count, features, seed=0, shift=0.0, scale=1.0):
    return shift + scale * np.random.default_rng(seed).normal(size=(count, features))


def test_frechet_distance_of_numbers_is_that_of_means_and_deviations():
    one, two = draw(50, 1), draw(80, 1, seed=1, shift=3.0, scale=2.0)
    means = one.mean() - two.mean()
    deviations = one.std(ddof=1) - two.std(ddof=1)
    assert frechet_distance(one, two) == pytest.approx(means**2 + deviations**2)


def test_frechet_distance_equals_that_by_the_matrix_root_of_scipy():
    mix = np.random.default_rng(2).normal(size=(6, 6))
    one, two = draw(40, 6), draw(30, 6, seed=1, shift=0.2) @ mix
    covariances = [np.cov(each, rowvar=False) for each in (one, two)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((one.mean(axis=0) - two.mean(axis=0)) ** 2) + np.trace(
        covariances[0] + covariances[1] - 2 * root
    )
    assert frechet_distance(one, two) == pytest.approx(expected)


def test_frechet_distance_of_a_set_from_itself_is_zero_with_fewer_faces_than_numbers():
    faces = draw(10, 40)
    assert frechet_distance(faces, faces) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(faces, faces + 2.0) == pytest.approx(40 * 4.0)


def test_kernel_distance_is_the_mean_over_pairs_of_different_faces():
    one, two = draw(7, 5), draw(4, 5, seed=1, shift=0.5)

    def kernel(x, y):
        return (float(np.dot(x, y)) / 5 + 1.0) ** 3

    expected = (
        np.mean([kernel(x, y) for x, y in itertools.permutations(one, 2)])
        + np.mean([kernel(x, y) for x, y in itertools.permutations(two, 2)])
        - 2 * np.mean([kernel(x, y) for x in one for y in two])
    )
    assert kernel_distance(one, two) == pytest.approx(expected)


def test_kernel_distance_has_no_bias_and_sees_a_shift():
    equal = [
        kernel_distance(draw(20, 4, seed=2 * trial), draw(20, 4, seed=2 * trial + 1))
        for trial in range(200)
    ]
    shifted = kernel_distance(draw(200, 4), draw(200, 4, seed=1, shift=1.0))
    assert min(equal) < 0.0
    assert abs(np.mean(equal)) < 3.0 * np.std(equal) / np.sqrt(len(equal))
    assert shifted > max(equal)


def test_mean_pairwise_distance_is_the_mean_over_pairs():
    faces = draw(9, 3)
    pairs = itertools.combinations(faces, 2)
    expected = np.mean([np.linalg.norm(x - y) for x, y in pairs])
    assert mean_pairwise_distance(faces) == pytest.approx(expected)


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_a_set_of_one_face_is_refused(distance):
    with pytest.raises(DataError, match="not 1"):
        distance(draw(5, 3), draw(1, 3))
    with pytest.raises(DataError, match="not 1"):
        mean_pairwise_distance(draw(1, 3))
