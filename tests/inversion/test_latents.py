import numpy as np
import pytest
from scipy.stats import norm

from facefill.inversion.latents import (
    draw_redraws,
    first_latent,
    project,
    to_latents,
    to_variables,
)


def test_the_first_latent_depends_on_the_photo_and_the_seed():
    assert np.array_equal(first_latent(1, "a", 8), first_latent(1, "a", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(1, "b", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(2, "a", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(1, "a", 8, 1))


def test_variables_of_a_uniform_latent_are_normal_and_lead_back_to_it():
    latents = np.random.default_rng(0).uniform(-0.99, 0.99, (5, 8)).astype(np.float32)
    variables = to_variables(latents, "normal")
    assert variables == pytest.approx(norm.ppf((latents + 1.0) / 2.0), abs=1e-5)
    assert np.asarray(to_latents(variables, "normal")) == pytest.approx(
        latents, abs=1e-5
    )
    assert to_variables(latents, "clip") is latents
    assert np.isfinite(to_variables(np.ones((1, 2), np.float32), "normal")).all()


def test_a_projection_changes_only_what_has_left():
    variables = np.array([[0.5, 1.5, -7.0]], np.float32)
    redraws = np.array([[0.1, 0.2, 0.3]], np.float32)
    expected = {
        "clip": [0.5, 1.0, -1.0],
        "stochastic_clip": [0.5, 0.2, 0.3],
        "normal": [0.5, 1.5, -5.0],
    }
    for projection, row in expected.items():
        found = np.asarray(project(variables, redraws, projection))
        assert found[0] == pytest.approx(row)


def test_redraws_depend_on_photo_start_and_iteration_alone():
    both = draw_redraws(1, [("a", 0), ("b", 2)], range(3), 8)
    assert both.shape == (3, 2, 8)
    assert np.abs(both).max() <= 1.0
    alone = draw_redraws(1, [("b", 2)], range(2, 3), 8)
    assert np.array_equal(alone[0, 0], both[2, 1])
    assert len(np.unique(both)) == both.size
