"""What is shipped is what was trained, and nothing else is loaded in its place."""

import json

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.models import pretrained
from facefill.models.dcgan import (
    Architecture,
    build_discriminator,
    build_generator,
)
from facefill.models.files import ModelPair, weights_sha256
from facefill.models.generation import generate
from facefill.models.packing import sample_grid, ship
from facefill.models.pretrained import FOLDER
from facefill.training.export import models_of_checkpoint
from small_trainings import trained

SMALL = Architecture(
    image_size=16, latent_size=6, generator_width=4, discriminator_width=8
)

MAX_BYTES_IN_GIT = 40_000_000


def trained_pair():
    """Networks whose statistics are not those of a beginning."""
    pair = ModelPair(build_generator(SMALL, seed=1), build_discriminator(SMALL, seed=2))
    draw = np.random.default_rng(0)
    for model in pair:
        for variable in model.variables:
            # Beyond what float16 can hold, as a moving variance may be.
            scale = 1e5 if "moving_variance" in variable.path else 0.1
            variable.assign(scale * draw.random(variable.shape, np.float32))
    return pair


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    models = trained_pair()
    return folder, models, ship(models, folder, steps=7)


@pytest.fixture
def use(monkeypatch):
    """Take the files of another folder for those that are shipped."""
    return lambda folder: monkeypatch.setattr(pretrained, "FOLDER", folder)


def test_networks_come_back_with_kernels_rounded_and_the_rest_exact(shipped, use):
    folder, models, manifest = shipped
    use(folder)
    loaded = pretrained.load_pair()
    for given, made in zip(models, loaded, strict=True):
        pairs = zip(given.variables, made.variables, strict=True)
        for one, other in pairs:
            assert one.path == other.path
            exact, back = (each.numpy() for each in (one, other))
            if exact.ndim > 1 and given is models.generator:
                exact = exact.astype(np.float16).astype(np.float32)
            elif exact.ndim > 1:
                step = np.abs(exact).max(axis=tuple(range(exact.ndim - 1))) / 127
                assert (np.abs(exact - back) <= 0.501 * step).all()
                continue
            assert np.array_equal(exact, back)
    assert manifest.steps == 7
    assert pretrained.read_manifest() == manifest
    assert weights_sha256(loaded.generator) == manifest.weights_sha256["generator"]


@pytest.mark.parametrize("name", ["generator", "discriminator"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_changed_byte_is_refused_with_both_hashes(
    shipped, use, tmp_path, name, place
):
    folder, _, manifest = shipped
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    file = tmp_path / f"{name}.npz"
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 1
    file.write_bytes(content)
    use(tmp_path)
    with pytest.raises(ModelError, match=manifest.sha256[name]) as caught:
        pretrained.load(name)
    assert str(file) in str(caught.value)


def test_what_is_absent_or_damaged_is_named(shipped, use, tmp_path):
    folder, _, _ = shipped
    use(tmp_path)
    assert pretrained.read_manifest() is None
    with pytest.raises(ModelError, match="comes without a pretrained model"):
        pretrained.load_pair()
    content = (folder / "manifest.json").read_bytes()
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"generator\.npz cannot be read"):
        pretrained.load_pair()
    for damaged in (content[:-9], b"{}", b"[]", b"\xff"):
        (tmp_path / "manifest.json").write_bytes(damaged)
        with pytest.raises(ModelError, match=r"manifest\.json is damaged"):
            pretrained.read_manifest()


@pytest.mark.parametrize("norm", ["batch", "spectral"])
def test_a_checkpoint_is_shipped_as_the_models_of_its_training(tmp_path, use, norm):
    _, checkpoint = trained(tmp_path / "checkpoints", norm)
    taken = models_of_checkpoint(checkpoint)
    manifest = ship(taken, tmp_path / "shipped", steps=2)
    assert manifest.discriminator_norm == ("batch" if norm == "batch" else "none")
    use(tmp_path / "shipped")
    pretrained.load_pair()


def test_the_hash_of_weights_tells_networks_apart_and_not_copies(shipped):
    _, models, _ = shipped
    copy = build_generator(SMALL, seed=9)
    assert weights_sha256(copy) != weights_sha256(models.generator)
    copy.set_weights(models.generator.get_weights())
    assert weights_sha256(copy) == weights_sha256(models.generator)


needs_shipped = pytest.mark.skipif(
    pretrained.read_manifest() is None, reason="no model is shipped yet"
)


@needs_shipped
def test_the_shipped_model_is_small_described_and_whole():
    manifest = pretrained.require_manifest()
    files = list(FOLDER.glob("*.npz"))
    networks = {"generator", "discriminator", "encoder", "refiner", "head_refiner"}
    names = networks | {"face_statistics", "face_prior", "head_statistics"}
    assert {path.stem for path in files} == names
    assert sum(path.stat().st_size for path in files) <= MAX_BYTES_IN_GIT
    card = (FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8")
    for word in ("Labeled Faces in the Wild", "UTKFace", "research", "Known failures"):
        assert word in card
    models = pretrained.load_pair()
    models.require_sizes(64, 100)
    assert weights_sha256(models.generator) == manifest.weights_sha256["generator"]
    judge = weights_sha256(models.discriminator)
    assert judge == manifest.weights_sha256["discriminator"]


@needs_shipped
def test_the_grid_beside_the_shipped_model_is_its_own_and_shows_different_faces():
    from facefill.imaging.pictures import read_png

    generator = pretrained.load("generator")
    shown = read_png(FOLDER / "samples.png").astype(int)
    drawn = sample_grid(generator)
    assert shown.shape == drawn.shape
    # Another machine may round otherwise.
    assert np.abs(shown - drawn).max() <= 2
    latents = np.random.default_rng(1).uniform(-1, 1, (16, 100)).astype(np.float32)
    pictures = generate(generator, latents).astype(float)
    assert pictures.std(axis=0).mean() > 10


@needs_shipped
def test_the_manifest_is_plain_json():
    text = (FOLDER / "manifest.json").read_text(encoding="utf-8")
    assert set(json.loads(text)["sha256"]) == {"generator", "discriminator"}
