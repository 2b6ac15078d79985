"""The encoder's training: what it is shown, that it learns, and that it resumes."""

import logging

import numpy as np
import pytest

from facefill.errors import NonFiniteError
from facefill.imaging.degradations import block_side
from facefill.inversion.encoder import Encoder
from facefill.models.dcgan import build_encoder
from facefill.models.files import weights_sha256
from facefill.models.generation import generate
from facefill.parameters import TrainOptions
from facefill.runtime.rng import uniform_latents
from facefill.training.checkpoints import CheckpointStore
from facefill.training.encoder.batches import EncoderBatches
from facefill.training.encoder.loop import train_encoder
from facefill.training.encoder.trainer import EncoderTrainer
from facefill.training.encoder.views import View, Viewer, draw_view
from searching import LATENT_SIZE, SIZE, networks_of, targets

PHOTOS = np.random.default_rng(0).integers(0, 256, (20, SIZE, SIZE, 3), np.uint8)


@pytest.fixture(scope="module")
def generator():
    return networks_of()[0]


def options(steps=20, **changes):
    values = {
        "encoder_steps": steps,
        "encoder_width": 4,
        "batch_size": 8,
        "checkpoint_every": 10,
        "precision": "float32",
        "device": "cpu",
    }
    return TrainOptions.model_validate(values | changes)


class DyingStore(CheckpointStore):
    """Dies after the checkpoint of a step, or before the first one."""

    def __init__(self, folder, after):
        super().__init__(folder)
        self._after = after

    def save(self, checkpoint):
        if self._after == 0:
            raise KeyboardInterrupt
        path = super().save(checkpoint)
        if checkpoint.step == self._after:
            raise KeyboardInterrupt
        return path


def trained(generator, store, start=None, report=None, **changes):
    networks = generator, start
    return train_encoder(PHOTOS, networks, options(**changes), 1, store, report)


def test_each_picture_is_seen_as_its_view_says():
    viewer = Viewer(SIZE, seed=1)
    pictures = np.random.default_rng(1).uniform(-1, 1, (4, SIZE, SIZE, 3))
    pictures = pictures.astype(np.float32)
    view = View(
        masks=np.array([0, 1, 2, 3], np.int32),
        kinds=np.arange(4, dtype=np.int32),
        noises=np.array([5, 5, 5, 5], np.int32),
        levels=np.array([0.2, 0.2, 0.2, 0.2], np.float32),
    )
    seen = np.asarray(viewer.show(pictures, view))
    assert seen.shape == (4, SIZE, SIZE, 4)
    masked, coarse, grey, noisy = seen[..., :3]
    quarter = slice(SIZE // 4, SIZE - SIZE // 4)
    assert not masked[quarter, quarter].any()  # the first mask is ``center``
    known = seen[0, ..., 3] == 1.0
    assert 0.5 < known.mean() < 1.0
    assert np.array_equal(masked[known], pictures[0][known])
    assert (seen[1:, ..., 3] == 1.0).all()
    side = block_side(SIZE)
    first_block = pictures[1, :side, :side].mean(axis=(0, 1))
    assert coarse[0, 0] == pytest.approx(first_block, abs=1e-5)
    assert coarse[side - 1, side - 1] == pytest.approx(first_block, abs=1e-5)
    luminance = pictures[2] @ np.array([0.299, 0.587, 0.114], np.float32)
    assert grey == pytest.approx(np.repeat(luminance[..., None], 3, -1), abs=2e-3)
    inside = np.abs(noisy) < 1.0
    assert (noisy - pictures[3])[inside].std() == pytest.approx(0.2, rel=0.2)


def test_all_kinds_of_views_come_in_their_shares():
    kinds = draw_view(np.random.default_rng(3), 4000).kinds
    shares = np.bincount(kinds, minlength=4) / 4000
    assert shares == pytest.approx([5 / 8, 1 / 8, 1 / 8, 1 / 8], abs=0.03)


def test_batches_are_functions_of_the_step():
    first, second = (
        EncoderBatches(PHOTOS, LATENT_SIZE, 1, flip=True) for _ in range(2)
    )
    forwards = [first.batch(step, 8) for step in range(4)]
    backwards = [second.batch(step, 8) for step in reversed(range(4))][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert np.array_equal(one.latents, other.latents)
        assert np.array_equal(one.photos, other.photos)
        assert np.array_equal(one.flips, other.flips)
        assert all(np.array_equal(a, b) for a, b in zip(one.view, other.view, strict=1))
    assert not np.array_equal(forwards[0].latents, forwards[1].latents)
    # Every photo once an epoch, four a step beside as many generated ones.
    shown = np.concatenate([first.batch(step, 8).photos for step in range(5)]).reshape(
        20, -1
    )
    assert len(np.unique(shown, axis=0)) == 20


def test_photos_are_mirrored_only_where_the_options_say():
    flipped = EncoderBatches(PHOTOS, LATENT_SIZE, 1, flip=True).batch(0, 20).flips
    assert 0 < flipped.sum() < 10
    assert (
        not EncoderBatches(PHOTOS, LATENT_SIZE, 1, flip=False).batch(0, 20).flips.any()
    )


@pytest.mark.parametrize("after", [0, 10])
def test_a_training_that_was_killed_ends_in_the_same_bytes(generator, tmp_path, after):
    whole = trained(generator, CheckpointStore(tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        trained(generator, DyingStore(tmp_path / "cut", after))
    steps = []
    store = CheckpointStore(tmp_path / "cut")
    cut = trained(generator, store, report=lambda step, _: steps.append(step))
    assert steps == [10, 20][after // 10 :]
    assert cut.packed() == whole.packed()
    assert store.latest().to_bytes() == (
        CheckpointStore(tmp_path / "whole").latest().to_bytes()
    )


def test_the_generator_stays_as_it_is_and_is_named(generator, tmp_path):
    before = weights_sha256(generator)
    encoder = trained(generator, CheckpointStore(tmp_path))
    assert weights_sha256(generator) == before == encoder.generator_sha256


def test_a_search_begins_nearer_than_from_random_latents(generator, tmp_path):
    encoder = trained(
        generator, CheckpointStore(tmp_path), steps=300, batch_size=16
    ).network
    draw = np.random.default_rng(7)
    truth = uniform_latents(draw, 24, LATENT_SIZE)
    measurements = [
        type(each)(each.key, face, each.mask)
        for each, face in zip(targets(24), generate(generator, truth), strict=True)
    ]
    found = np.stack([Encoder(encoder).latent(each) for each in measurements])
    random = uniform_latents(draw, 24, LATENT_SIZE)

    def error(latents):
        pictures = generate(generator, latents).astype(float)
        faces = np.stack([each.face for each in measurements])
        return np.abs(pictures - faces).mean()

    assert error(found) < 0.7 * error(random)
    assert np.square(found - truth).mean() < 0.7 * np.square(random - truth).mean()


def test_the_encoder_of_another_generator_is_trained_anew(generator, tmp_path, caplog):
    store, steps = CheckpointStore(tmp_path / "one"), []
    trained(generator, store)
    other = networks_of(width=4)[0]
    with caplog.at_level(logging.INFO):
        anew = trained(other, store, report=lambda step, _: steps.append(step))
    assert "trained with another generator; it is trained anew" in caplog.text
    assert steps == [10, 20]
    fresh = trained(other, CheckpointStore(tmp_path / "two"))
    assert anew.packed() == fresh.packed()
    assert anew.generator_sha256 == weights_sha256(other)


def test_more_steps_are_another_training(generator, tmp_path):
    store, steps = CheckpointStore(tmp_path), []
    trained(generator, store, steps=10)
    trained(generator, store, report=lambda step, _: steps.append(step))
    assert steps == [10, 20]


def test_it_begins_with_the_encoder_that_it_is_given(generator):
    start = build_encoder(SIZE, LATENT_SIZE, 6, seed=5)
    chosen = options(start_from="pretrained")
    trainer = EncoderTrainer(generator, chosen, 1, start)
    state = trainer.initial_state()
    for value, weights in zip(state.encoder.weights, start.get_weights(), strict=True):
        assert np.array_equal(np.asarray(value), weights)
    assert trainer.describe()["encoder_width"] == 6
    assert trainer.describe()["start"] == "pretrained"


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path):
    broken = networks_of()[0]
    broken.set_weights([np.full_like(each, np.nan) for each in broken.get_weights()])
    with pytest.raises(NonFiniteError, match="loss of the encoder is not finite"):
        trained(broken, CheckpointStore(tmp_path))


def test_a_training_in_bfloat16_goes_as_in_float32(generator, tmp_path):
    losses = {}
    for precision in ("float32", "mixed_bfloat16"):
        found = losses.setdefault(precision, [])
        trained(
            generator,
            CheckpointStore(tmp_path / precision),
            report=lambda _, values, found=found: found.append(list(values.values())),
            precision=precision,
        )
    assert np.ravel(losses["mixed_bfloat16"]) == pytest.approx(
        np.ravel(losses["float32"]), rel=0.1
    )
