"""An encoder gives where a search begins, for its own generator only."""

import json
import shutil

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.evaluation import metrics
from facefill.imaging.masks import build_mask
from facefill.imaging.tasks import task_of
from facefill.inversion.encoder import Encoder, encoder_of
from facefill.inversion.latent_bank import LatentBank
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models import pretrained
from facefill.models.dcgan import build_encoder
from facefill.models.files import weights_sha256
from facefill.models.generation import generate
from facefill.models.pretrained import FOLDER
from facefill.parameters import CompleteOptions
from facefill.runtime.rng import uniform_latents

CENTER = build_mask("center", 64)


@pytest.fixture(scope="module")
def pair():
    return pretrained.load_pair()


@pytest.fixture(scope="module")
def drawn(pair):
    latents = uniform_latents(np.random.default_rng(5), 6, 100)
    return generate(pair.generator, latents)


def test_no_hidden_pixel_moves_a_latent():
    encoder = Encoder(build_encoder(16, 5, 4))
    face = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    mask = build_mask("left", 16)
    latent = encoder.latent(Measurement("a", face, mask))
    assert latent.shape == (5,)
    assert (np.abs(latent) <= 1.0).all()
    hidden = np.where(mask[..., None], face, 255 - face)
    assert np.array_equal(encoder.latent(Measurement("a", hidden, mask)), latent)
    known = np.where(mask[..., None], 255 - face, face)
    assert not np.array_equal(encoder.latent(Measurement("a", known, mask)), latent)


def restored(face, name):
    return Measurement("a", face, *task_of(name, len(face), CompleteOptions()))


@pytest.mark.parametrize("name", ["lowres", "colorize"])
def test_a_latent_of_a_face_to_be_restored_is_of_what_is_seen_of_it(name):
    encoder = Encoder(build_encoder(16, 5, 4))
    face = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    mask, degradation = task_of(name, 16, CompleteOptions())
    seen = degradation.show(face, mask)
    latent = encoder.latent(restored(face, name))
    assert not np.array_equal(seen, face)
    whole = Measurement("a", seen, np.ones((16, 16), np.bool_))
    assert np.array_equal(encoder.latent(whole), latent)
    assert not np.array_equal(encoder.latent(restored(255 - face, name)), latent)


@pytest.mark.parametrize("name", ["lowres", "denoise", "colorize"])
def test_the_shipped_encoder_knows_a_face_to_be_restored(pair, drawn, name):
    encoder, bank = encoder_of(pair.generator), LatentBank(pair.generator, 256, 1)
    degradation = task_of(name, 64, CompleteOptions()).degradation
    draw, gains = np.random.default_rng(2), []
    for face in drawn:
        target = restored(degradation.degrade(face, draw), name)
        latents = np.stack([encoder.latent(target), bank.nearest(target, 1)[0]])
        ours, theirs = generate(pair.generator, latents)
        nothing = np.zeros_like(target.mask)
        gains.append(
            metrics.hole_psnr(face, ours, nothing)
            - metrics.hole_psnr(face, theirs, nothing)
        )
    assert np.mean(gains) > 3.0


def test_the_shipped_encoder_knows_what_is_hidden_better_than_the_bank(pair, drawn):
    encoder, bank = encoder_of(pair.generator), LatentBank(pair.generator, 256, 1)
    gains = []
    for face in drawn:
        target = Measurement("a", face, CENTER)
        latents = np.stack([encoder.latent(target), bank.nearest(target, 1)[0]])
        ours, theirs = generate(pair.generator, latents)
        gains.append(
            metrics.hole_psnr(face, ours, CENTER)
            - metrics.hole_psnr(face, theirs, CENTER)
        )
    assert np.mean(gains) > 3.0


def search(pair, **changes):
    changes = {"iterations": 1, "learning_rate": 1e-6, "bank_size": 16} | changes
    options = CompleteOptions.model_validate(
        {"precision": "float32", "batch_size": 2, "keep": "last"} | changes
    )
    return LatentSearch(*pair, options, lam=0.1, seed=1)


def test_the_first_start_is_the_encoders_and_the_others_are_of_the_bank(pair, drawn):
    target = Measurement("a", drawn[0], CENTER)
    ((first, second),) = search(pair, candidates=2).run([target])
    by_start = {each.start: each.latent for each in (first, second)}
    encoded = encoder_of(pair.generator).latent(target)
    assert by_start[0] == pytest.approx(encoded, abs=1e-4)
    nearest = LatentBank(pair.generator, 16, 1).nearest(target, 1)[0]
    assert by_start[1] == pytest.approx(nearest, abs=1e-4)


@pytest.mark.parametrize("changes", [{"encoder": False}, {"preset": "reference"}])
def test_it_can_be_left_out_and_the_reference_does(pair, changes):
    plain, encoded = search(pair, **changes), search(pair)
    assert plain.fingerprint != encoded.fingerprint
    assert encoder_of(pair.generator).fingerprint in encoded.fingerprint


def test_another_generator_has_none(pair):
    assert pretrained.load_encoder("0" * 64) is None
    assert pretrained.load_encoder(weights_sha256(pair.generator)) is not None


def test_a_damaged_file_is_refused_by_name(pair, tmp_path, monkeypatch):
    for name in (pretrained.ENCODER, pretrained.ENCODER_MANIFEST):
        shutil.copy(FOLDER / name, tmp_path)
    path = tmp_path / pretrained.ENCODER
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    sha256 = weights_sha256(pair.generator)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="not the file that was shipped"):
        pretrained.load_encoder(sha256)
    (tmp_path / pretrained.ENCODER_MANIFEST).write_text(json.dumps({}))
    with pytest.raises(ModelError, match="is damaged"):
        pretrained.load_encoder(sha256)
