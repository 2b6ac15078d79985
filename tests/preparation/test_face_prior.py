"""The joint model of faces expects what it has seen, and reads its own file only."""

import json

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.preparation import face_prior
from facefill.preparation.face_prior import FacePrior, View


def test_what_nothing_is_known_of_is_the_mean_face():
    prior = face_prior.load()
    nothing = View(prior.mean_pixels, np.zeros(prior.mean_pixels.shape, np.bool_))
    estimate = prior.posterior(nothing, prior.mean_points, np.full(68, np.inf))
    assert np.allclose(estimate.pixels, prior.mean_pixels, atol=1e-3)
    assert np.allclose(estimate.points, prior.mean_points, atol=1e-6)


def test_a_component_that_is_half_seen_is_recognised_in_the_other_half():
    prior = face_prior.load()
    weight = 2.0 * np.sqrt(prior.variances[0])
    pixels = prior.mean_pixels + np.float32(weight) * prior.pixels[0]
    known = np.zeros(pixels.shape, np.bool_)
    known[:, : prior.side // 2] = True
    points = prior.mean_points + weight * prior.points[0]
    deviations = np.where(np.arange(68) % 2, 0.002, np.inf)
    seen = View(np.where(known, pixels, 0.0).astype(np.float32), known)
    estimate = prior.posterior(seen, points, deviations)
    hidden = np.abs(estimate.pixels - pixels)[~known].mean()
    assert hidden < 0.3 * np.abs(pixels - prior.mean_pixels)[~known].mean()


def test_landmarks_by_some_of_them_are_the_mean_of_the_conditional_distribution():
    prior, rng = face_prior.load(), np.random.default_rng(0)
    flat = prior.points.reshape(len(prior.points), -1)
    arms = prior.mean_points - prior.mean_points.mean(axis=0)
    ones, zeros = np.ones(68), np.zeros(68)
    turned = np.stack([-arms[:, 1], arms[:, 0]], axis=1)
    free = [np.stack([ones, zeros], 1), np.stack([zeros, ones], 1), arms, turned]
    frame = 0.03 * np.reshape(free, (4, -1))
    covariance = (flat.T * prior.variances) @ flat + frame.T @ frame
    visible = np.repeat(np.arange(68) < 48, 2)
    points = prior.mean_points + rng.normal(0.0, 0.02, (68, 2))
    known = covariance[np.ix_(visible, visible)] + 0.01**2 * np.eye(visible.sum())
    offset = (points - prior.mean_points).ravel()[visible]
    expected = covariance[:, visible] @ np.linalg.solve(known, offset)
    deviations = np.where(visible[::2], 0.01, np.inf)
    found = prior.landmarks_by(points, deviations) - prior.mean_points
    assert np.allclose(found.ravel(), expected, atol=1e-6)


def test_hidden_landmarks_move_with_the_frame_that_the_visible_ones_tell():
    prior = face_prior.load()
    turn = np.array([[1.01, -0.02], [0.02, 1.01]])
    middle = prior.mean_points.mean(axis=0)
    moved = (prior.mean_points - middle) @ turn.T + middle + (0.02, -0.01)
    deviations = np.where(np.arange(68) < 48, 1e-4, np.inf)
    found = prior.landmarks_by(moved, deviations)
    assert np.abs(found - moved).max() < 2e-3


def test_a_photo_is_averaged_and_not_sampled_where_it_is_much_larger():
    prior = face_prior.load()
    checks = (np.indices((480, 480)).sum(axis=0) % 2 * 200.0).astype(np.float32)
    to_frame = np.array([[1.5 / 480, 0.0, -0.25], [0.0, 1.5 / 480, -0.25]])
    seen = prior.view(checks, np.ones_like(checks), to_frame)
    assert seen.known[1:-1, 1:-1].all()
    # Blocks are of 9 pixels a side at least, which one of 81 cannot balance.
    assert np.abs(seen.pixels[1:-1, 1:-1] - 100.0).max() < 1.3


def test_it_is_packed_in_eight_bits():
    prior = face_prior.load()
    again = FacePrior.unpacked(prior.packed())
    assert np.abs(again.pixels - prior.pixels).max() < 1e-4
    assert again.box == prior.box


def test_another_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is absent"):
        face_prior.load(tmp_path)
    (tmp_path / face_prior.FILE).write_bytes(b"no statistics")
    described = json.dumps({"sha256": "0" * 64})
    (tmp_path / face_prior.DESCRIPTION).write_text(described)
    with pytest.raises(ModelError, match="not the file that was shipped"):
        face_prior.load(tmp_path)
    with pytest.raises(ModelError, match="no joint statistics"):
        FacePrior.unpacked(b"no statistics")
