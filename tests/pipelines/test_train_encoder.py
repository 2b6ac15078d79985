"""The stage that trains the encoder, called as Kedro calls it."""

import numpy as np
import pandas as pd
import pytest

from facefill.api import FaceModel, load_model
from facefill.models.encoders import ENCODER_FILE, ENCODER_FOLDER, read_encoder
from facefill.models.files import weights_sha256
from facefill.models.sources import starting_encoder
from facefill.parameters import TrainOptions
from facefill.pipelines.train.nodes import train_encoder
from facefill.preparation.face_set import FaceSet
from searching import SIZE, networks_of

pytestmark = [
    # Keras's own writer converts arrays the old way.
    pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def networks():
    return networks_of()


@pytest.fixture(scope="module")
def faces():
    images = np.random.default_rng(0).integers(0, 256, (12, SIZE, SIZE, 3), np.uint8)
    names = [f"{number}.jpg" for number in range(12)]
    splits = ["train"] * 8 + ["validation"] * 4
    return FaceSet(images, pd.DataFrame({"id": names, "source": "", "split": splits}))


def run(faces, generator, folder, **changes):
    values = {
        "encoder_steps": 4,
        "encoder_width": 4,
        "batch_size": 8,
        "precision": "float32",
        "device": "cpu",
    }
    return train_encoder(
        training_set=faces,
        generator=generator,
        folder=folder,
        options=TrainOptions.model_validate(values | changes),
        seed=1,
    )


@pytest.fixture(scope="module")
def models(networks, faces, tmp_path_factory):
    """A folder as the pipeline fills it, and the report."""
    folder = tmp_path_factory.mktemp("models")
    for name, network in zip(("generator", "discriminator"), networks, strict=True):
        network.save(folder / f"{name}.keras")
    returned, report = run(faces, networks[0], folder / ENCODER_FOLDER)
    assert returned == folder / ENCODER_FOLDER
    return folder, report


def test_it_leaves_an_encoder_of_the_generator_and_says_how_good_it_is(
    models, networks
):
    folder, report = models
    encoder = read_encoder(folder / ENCODER_FOLDER)
    assert encoder.generator_sha256 == weights_sha256(networks[0])
    assert report["encoder_sha256"] == encoder.fingerprint
    assert report["steps"] == 4
    assert 0.0 < report["hole_psnr"] < 60.0
    assert 0.0 < report["bank_hole_psnr"] < 60.0


def test_the_same_again_leaves_the_same_bytes(models, networks, faces):
    folder, report = models
    file = folder / ENCODER_FOLDER / ENCODER_FILE
    before = file.read_bytes()
    assert run(faces, networks[0], folder / ENCODER_FOLDER)[1] == report
    assert file.read_bytes() == before


def test_the_front_door_takes_it_along(models):
    model = load_model(models[0])
    assert isinstance(model, FaceModel)
    assert model.companions.encoder.generator_sha256 == weights_sha256(model.generator)


def test_another_training_can_start_from_it(models):
    start = starting_encoder(str(models[0]))
    encoder = read_encoder(models[0] / ENCODER_FOLDER)
    assert weights_sha256(start) == encoder.fingerprint
    assert starting_encoder("random") is None
    assert starting_encoder("pretrained").input_shape == (None, 64, 64, 4)


def test_without_steps_there_is_none(networks, faces, tmp_path):
    (tmp_path / ENCODER_FILE).write_bytes(b"of an earlier training")
    _, report = run(faces, networks[0], tmp_path, encoder_steps=0)
    assert report == {"steps": 0}
    assert list(tmp_path.iterdir()) == []
