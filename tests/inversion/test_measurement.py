"""Measurements, their batches, and the importance of pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facefill.errors import MaskError, ModelError
from facefill.imaging.colour import luminance
from facefill.imaging.degradations import Inpainting
from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import to_float
from facefill.inversion.measurement import (
    Measurement,
    check_measurement,
    gather,
    importance_weights,
    kinds,
)
from searching import SIZE, targets

NAMES = ("center", "lowres", "colorize", "denoise")


def pictures(count, seed=1):
    shape = (count, SIZE, SIZE, 3)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_the_misfit_of_a_batch_is_the_distance_of_the_measurements(name):
    faces, made = targets(3, name), pictures(3)
    batch = gather(faces, "uniform", 7)
    found = np.asarray(batch.misfit(made))
    for row, face in enumerate(faces):
        both = np.stack([made[row], to_float(face.face)])
        ours, theirs = face.measure(both).astype(np.float64)
        assert found[row] == pytest.approx(np.abs(ours - theirs).sum(), rel=1e-4)
        gain = face.degradation.noise_gain(SIZE)
        assert batch.spread == pytest.approx(gain**0.5)


def test_what_is_under_a_hole_is_not_in_a_batch():
    batch = gather(targets(2), "uniform", 7)
    hole = ~build_mask("center", SIZE)
    assert (batch.faces[:, hole] == 0.0).all()
    assert (batch.weights[:, hole] == 0.0).all()
    assert (batch.weights[:, ~hole] == 1.0).all()


def test_weighted_batches_have_the_importance_of_each_mask():
    faces = [targets(1, name)[0] for name in ("center", "left", "denoise", "full")]
    weights = gather(faces, "weighted", 5).weights[..., 0]
    for row in (0, 1):
        assert np.array_equal(weights[row], importance_weights(faces[row].mask, 5))
    assert (weights[2:] == 1.0).all()


def test_a_batch_holds_measurements_of_one_kind():
    one, coarse, grey, noisy = (targets(1, name)[0] for name in NAMES)
    hidden, coloured, small, same = kinds([one, grey, coarse, noisy])
    assert hidden == same
    assert len({hidden, coloured, small}) == 3
    assert len(gather([one, noisy], "uniform", 7).faces) == 2
    with pytest.raises(ValueError, match="unpack"):
        gather([one, coarse], "uniform", 7)


def test_a_measurement_that_models_cannot_complete_is_refused():
    (face,) = targets(1)
    check_measurement(face, SIZE)
    nothing = np.zeros((SIZE, SIZE), bool)
    with pytest.raises(ModelError, match=r"faces of 32 pixels, 0\.jpg has 16"):
        check_measurement(face, 32)
    with pytest.raises(MaskError, match="hides the whole face"):
        check_measurement(Measurement("x", face.face, nothing, Inpainting()), SIZE)
    for name in NAMES[1:]:
        (other,) = targets(1, name)
        check_measurement(other, SIZE)
        assert other.compared.all()


def test_a_measured_face_is_a_linear_function_of_its_picture():
    (grey,) = targets(1, "colorize")
    made = pictures(2)
    expected = luminance(made).reshape(2, -1)
    assert np.array_equal(grey.measure(made), expected)


@settings(deadline=None)
@given(
    seed=st.integers(0, 99),
    share=st.floats(0.05, 0.95),
    window=st.sampled_from([3, 7, 9]),
)
def test_importance_is_the_share_of_missing_neighbours(seed, share, window):
    mask = np.random.default_rng(seed).random((12, 14)) < share
    weights = importance_weights(mask, window)

    reach = window // 2
    for y, x in np.ndindex(mask.shape):
        around = mask[
            max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1
        ]
        expected = (~around).sum() / (around.size - 1) if mask[y, x] else 0.0
        assert weights[y, x] == pytest.approx(expected, abs=1e-6)


def test_importance_is_highest_beside_the_hole_and_nothing_in_it():
    mask = build_mask("center", 64)
    weights = importance_weights(mask, 7)

    assert (weights[~mask] == 0).all()
    assert weights[32, 15] == weights.max(axis=1)[32]
    assert weights[32, 15] > weights[32, 14] > weights[32, 13] > weights[32, 12] == 0


def test_importance_without_a_hole_or_without_a_face_is_refused():
    for mask in (np.ones((8, 8), bool), np.zeros((8, 8), bool)):
        with pytest.raises(MaskError, match="known pixels and missing ones"):
            importance_weights(mask)
    with pytest.raises(ValueError, match="odd"):
        importance_weights(build_mask("center", 8), 4)
