"""Parameters of the latent search: presets, chains, and what contradicts what."""

import pytest
from pydantic import ValidationError

from facefill.parameters import COMPLETE_PRESETS, CompleteOptions
from facefill.parameters.completion import SEARCH_BEFORE_CHAINS

REFERENCE = COMPLETE_PRESETS["reference"]


def options(**values):
    return CompleteOptions.model_validate(values)


def test_none_is_of_the_preset():
    nothing = dict.fromkeys(REFERENCE)

    assert options(**nothing) == CompleteOptions()
    reference = options(preset="reference", **nothing)
    assert {key: getattr(reference, key) for key in REFERENCE} == REFERENCE


def test_none_before_chains_is_a_longer_search():
    chains = options(method="hmc", **dict.fromkeys(REFERENCE))

    for key, value in SEARCH_BEFORE_CHAINS.items():
        assert getattr(chains, key) == value
    reference = options(method="hmc", preset="reference", iterations=None)
    assert reference.iterations == 1000


def test_none_for_what_no_preset_sets_is_refused():
    with pytest.raises(ValidationError, match="momentum"):
        options(momentum=None)


def test_a_presets_value_is_checked_like_a_users(monkeypatch):
    monkeypatch.setitem(COMPLETE_PRESETS, "reference", {"iterations": 0})

    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        options(preset="reference", iterations=None)


@pytest.mark.parametrize(
    ("values", "starts", "kept"),
    [
        ({}, 1, 1),
        ({"starts": 4}, 4, 1),
        ({"candidates": 3}, 3, 3),
        ({"method": "hmc"}, 4, 4),
        ({"method": "hmc", "hmc": {"rule": "reference"}}, 1, 1),
    ],
)
def test_there_is_a_start_for_each_candidate_or_chain(values, starts, kept):
    assert options(**values).num_starts == starts
    assert options(**values).num_kept == kept


def test_an_encoder_begins_no_chain():
    assert options().begins_encoded
    assert not options(encoder=False).begins_encoded
    assert not options(method="hmc").begins_encoded


def test_an_evaluation_compares_the_search_with_that_of_the_preset():
    ours = options(candidates=2)
    compared = ours.compared(["default", "reference", "pca"])

    assert compared["default"] == ours
    assert compared["reference"].iterations == 1000
    assert compared["reference"].candidates == 2
    assert list(ours.compared(["pca", "default"])) == ["default"]


def test_the_former_name_of_a_parameter_is_answered_with_the_present_one():
    with pytest.raises(ValidationError, match="detail is called fidelity now"):
        options(detail=0.5)
