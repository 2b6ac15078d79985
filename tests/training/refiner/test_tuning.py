"""A refiner of one's own goes on from the shipped one, and resumes to the byte."""

from dataclasses import replace

import numpy as np
import pytest

from facefill.errors import DataError, ModelError
from facefill.inversion.pca_fit import GaussianFit
from facefill.models import pretrained
from facefill.models.dcgan import Architecture, build_encoder, build_generator
from facefill.models.encoders import ENCODER_FILE, TrainedEncoder
from facefill.models.face_pca import measure
from facefill.models.files import weights_sha256
from facefill.models.refinement import Refiner, shipped_refiner
from facefill.models.refiner import build_refiner
from facefill.models.refiners import (
    REFINER_FILE,
    TrainedRefiner,
    read_refiner,
    refiner_for,
)
from facefill.parameters import CompleteOptions, TrainOptions
from facefill.runtime.files import write_bytes
from facefill.training.refiner.coarse import CoarseCompleter
from facefill.training.refiner.tuning import completer_of, trainer_of, tune_refiner

FACE = 16
CROPS = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)


def generator_of(size=FACE, seed=1):
    return build_generator(Architecture(size, 8, 4, 4), seed)


def completer(seed=1):
    faces = CROPS[:, ::2, ::2]
    return CoarseCompleter(
        encoder=build_encoder(FACE, 8, 4),
        generator=generator_of(seed=seed),
        fit=GaussianFit(measure(faces, 8, np.random.default_rng(1)), 4.0),
        detail=0.5,
        seed=3,
    )


def options(steps):
    return TrainOptions(refiner_steps=steps, precision="float32", device="cpu")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_training_in_two_parts_ends_in_the_same_bytes(tmp_path, caplog):
    steps = []
    whole = tune_refiner(CROPS, completer(), options(6), tmp_path / "whole")
    for last in (3, 6):
        parts = tune_refiner(
            CROPS,
            completer(),
            options(last),
            tmp_path / "parts",
            lambda step, _: steps.append(step),
        )
    assert steps == [3, 6]
    assert parts.packed() == whole.packed()
    assert parts.generator_sha256 == weights_sha256(generator_of())
    # Another generator draws other pictures: nothing of the first training is left.
    with caplog.at_level("INFO"):
        other = tune_refiner(CROPS, completer(seed=2), options(3), tmp_path / "parts")
    assert "trained with another generator and number of steps;" in caplog.text
    assert len(list((tmp_path / "parts").glob("coarse-*"))) == 1
    anew = tune_refiner(CROPS, completer(seed=2), options(3), tmp_path / "anew")
    assert other.packed() == anew.packed()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_another_noise_of_the_fit_is_another_training(tmp_path, caplog):
    tune_refiner(CROPS, completer(), options(2), tmp_path)
    fit = GaussianFit(completer().fit.statistics, 40.0)
    with caplog.at_level("INFO"):
        tune_refiner(CROPS, replace(completer(), fit=fit), options(2), tmp_path)
    assert "trained with another noise; it is trained anew" in caplog.text


def test_it_begins_with_the_shipped_one_where_that_is_of_the_size():
    shipped = pretrained.load_refiner()
    state = trainer_of(128, 1, options(1)).initial_state()
    for values in (state.refiner.weights, state.average):
        for value, variable in zip(values, shipped.trainable_variables, strict=True):
            assert np.array_equal(np.asarray(value), variable.numpy())
    assert trainer_of(32, 1, options(1)).describe()["start"] == "random"


def test_too_few_crops_are_refused(tmp_path):
    with pytest.raises(DataError, match="there are 9 crops for the refiner"):
        tune_refiner(CROPS[:9], completer(), options(1), tmp_path)


def test_it_learns_from_the_encoder_of_the_generator_alone(tmp_path):
    statistics = measure(CROPS[:, ::2, ::2], 8, np.random.default_rng(1))
    sha256 = weights_sha256(generator_of())
    encoder = TrainedEncoder(build_encoder(FACE, 8, 4), sha256)
    write_bytes(tmp_path / ENCODER_FILE, encoder.packed())
    # The same of a picture as of a mean: how one completes trains no other refiner.
    rest = (tmp_path, statistics, CompleteOptions(refine="mean"), 1)
    assert completer_of(generator_of(), *rest).detail == pytest.approx(0.7**2)
    with pytest.raises(ModelError, match="no encoder of the generator; run `kedro"):
        completer_of(generator_of(seed=2), *rest)


def test_it_refines_what_its_own_generator_draws_and_no_other(tmp_path, caplog):
    own = generator_of(size=64)
    network = build_refiner(128, seed=4)
    made = TrainedRefiner(network, weights_sha256(own))
    write_bytes(tmp_path / REFINER_FILE, made.packed())
    trained = read_refiner(tmp_path)
    assert trained.packed() == made.packed()
    options = CompleteOptions()
    assert refiner_for(CompleteOptions(refine="none"), own, trained) is None
    mean = refiner_for(CompleteOptions(refine="mean"), own, trained)
    assert mean.fingerprint == Refiner(network, 0.0).fingerprint
    picture = refiner_for(options, own, trained)
    assert picture.fingerprint == Refiner(network, options.picture_share).fingerprint
    shipped = shipped_refiner(options, 64).fingerprint
    assert refiner_for(options, own, None).fingerprint == shipped
    other = generator_of(size=64, seed=2)
    assert caplog.messages == []
    assert refiner_for(options, other, trained).fingerprint == shipped
    assert "is of another generator, and is not used" in caplog.messages[0]
    (tmp_path / REFINER_FILE).write_bytes(made.packed()[:-100])
    with pytest.raises(ModelError, match=r"refiner\.npz is damaged"):
        read_refiner(tmp_path)
