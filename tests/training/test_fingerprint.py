"""A training is continued as what it was begun, by old checkpoints too."""

import logging
import shutil

import numpy as np
import pytest

from facefill.errors import CheckpointError
from facefill.parameters import TrainOptions
from facefill.preparation.face_set import pixel_digest
from facefill.training import fingerprint
from facefill.training.checkpoints import CheckpointStore
from facefill.training.fingerprint import fingerprint_of, require_same
from facefill.training.loop import train
from facefill.training.trainer import Trainer
from projects import ROOT
from small_trainings import Silent

ORIGIN = {"seed": 1, "faces": "8 of hash ab", "changeable": {"train.max_steps": 5}}


def options(**changes):
    values = {
        "max_steps": 8,
        "batch_size": 4,
        "latent_size": 5,
        "generator_width": 2,
        "discriminator_width": 2,
        "precision": "float32",
        "device": "cpu",
        "steps_per_call": 2,
        "checkpoint_every": 4,
    }
    return TrainOptions.model_validate(values | changes)


@pytest.fixture
def photos():
    return np.random.default_rng(0).integers(0, 256, (10, 16, 16, 3), np.uint8)


def test_another_origin_is_refused_with_both_values(tmp_path):
    with pytest.raises(CheckpointError, match="seed = 1, now it is 2"):
        require_same(ORIGIN, {**ORIGIN, "seed": 2}, tmp_path)
    require_same(ORIGIN, ORIGIN, tmp_path)
    with pytest.raises(CheckpointError, match="width = None, now it is 3"):
        require_same(ORIGIN, {**ORIGIN, "width": 3}, tmp_path)


def test_what_may_change_is_said_with_both_values(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    require_same(ORIGIN, ORIGIN, tmp_path)
    assert not caplog.text
    require_same(ORIGIN, {**ORIGIN, "changeable": {"train.max_steps": 9}}, tmp_path)
    assert "train.max_steps is now 9, was 5" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"discriminator_norm": "spectral"}, "_norm = batch, now it is spectral"),
        ({"r1_weight": 1.0}, r"train.r1_weight = 0.0, now it is 1.0"),
        ({"r1_interval": 4}, "train.r1_interval = 16, now it is 4"),
        ({"real_label": 0.9}, "train.real_label = 1.0, now it is 0.9"),
        ({"augment": ["cutout"]}, r"train.augment = \[\], now it is \['cutout'\]"),
        ({"beta_1": 0.4}, "train.beta_1 = 0.5, now it is 0.4"),
        ({"latent_size": 6}, "latent_size = 5, now it is 6"),
        ({"discriminator_width": 4}, "discriminator_width = 2, now it is 4"),
    ],
)
def test_a_checkpoint_that_knew_no_options_counts_as_without_them(
    tmp_path, photos, changes, message
):
    shutil.copytree(ROOT / "tests" / "golden", tmp_path, dirs_exist_ok=True)
    then = CheckpointStore(tmp_path).latest().fingerprint
    now = fingerprint_of(photos, Trainer(options(**changes), 16, seed=1))
    with pytest.raises(CheckpointError, match=message):
        require_same(then, now, tmp_path)
    require_same(then, fingerprint_of(photos, Trainer(options(), 16, seed=1)), tmp_path)


def test_a_training_of_an_old_version_goes_on_as_it_would_have(tmp_path, photos):
    begun, ended = sorted((ROOT / "tests" / "golden").glob("step-*.npz"))
    shutil.copy(begun, tmp_path)
    store = CheckpointStore(tmp_path)
    models = train(photos, Trainer(options(), 16, seed=1), store, Silent())
    found = dict(store.latest().arrays)
    with np.load(ended) as archive:
        expected = {name: archive[name] for name in archive.files}
    del expected["origin.json"], found["scores"]
    assert models.step == 8
    assert np.array_equal(
        found.pop("history")[:2, :-1], expected.pop("history")[:2, :-1]
    )
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # Not to the bit: the file may come from another processor.
        assert found[name] == pytest.approx(value, rel=1e-3, abs=1e-6), name


@pytest.mark.parametrize("begun", [False, True])
def test_a_start_reads_all_pixels_once_for_their_hash(
    tmp_path, photos, monkeypatch, begun
):
    store = CheckpointStore(tmp_path)
    if begun:
        train(photos, Trainer(options(max_steps=4), 16, seed=1), store, Silent())
    hashed = []

    def counting(images):
        hashed.append(len(images))
        return pixel_digest(images)

    monkeypatch.setattr(fingerprint, "pixel_digest", counting)
    train(photos, Trainer(options(), 16, seed=1), store, Silent())
    assert hashed == [len(photos)]
