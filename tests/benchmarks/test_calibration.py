"""What benchmarks of the posterior measure."""

import numpy as np
import pytest

from calibration import coverage, laplace_scale


def test_the_scale_of_laplace_noise_is_found_again():
    draw = np.random.default_rng(0)
    generated = [draw.uniform(50.0, 200.0, (64, 64, 3)) for _ in range(3)]
    faces = [each + draw.laplace(0.0, 7.0, each.shape) for each in generated]
    masks = [draw.random((64, 64)) < 0.7 for _ in range(3)]
    for face, mask in zip(faces, masks, strict=True):
        face[~mask] += 1000.0

    assert laplace_scale(generated, faces, masks) == pytest.approx(7.0, rel=0.03)


def test_coverage_is_the_share_inside_borders_included():
    low, high = np.zeros(4), np.ones(4)

    assert coverage(low, high, np.array([0.0, 1.0, 0.5, 1.01])) == 0.75
