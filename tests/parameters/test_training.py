"""Parameters of training: what a preset sets."""

import pytest
from pydantic import ValidationError

from facefill.parameters import TRAIN_PRESETS, TrainOptions

REFERENCE = TRAIN_PRESETS["reference"]


def test_none_is_of_the_preset():
    nothing = dict.fromkeys(REFERENCE)

    assert TrainOptions.model_validate(nothing) == TrainOptions()
    reference = TrainOptions.model_validate(nothing | {"preset": "reference"})
    assert {key: getattr(reference, key) for key in REFERENCE} == REFERENCE


def test_another_value_wins_over_the_preset():
    mixed = TrainOptions.model_validate({"preset": "reference", "flip": True})

    assert mixed.flip
    assert mixed.batch_size == REFERENCE["batch_size"]


def test_none_is_a_value_where_it_means_something():
    options = TrainOptions.model_validate({"discriminator_learning_rate": None})

    assert options.discriminator_learning_rate is None
    with pytest.raises(ValidationError, match="max_steps"):
        TrainOptions.model_validate({"max_steps": None})


def test_a_refiner_needs_an_encoder():
    with pytest.raises(ValidationError, match="encoder_steps above 0"):
        TrainOptions(encoder_steps=0, refiner_steps=10)
    assert TrainOptions(encoder_steps=10, refiner_steps=10).refiner_steps == 10


def test_the_reference_has_no_encoder():
    assert TrainOptions.model_validate({"preset": "reference"}).encoder_steps == 0
