"""Parameters of the chains."""

import pytest
from pydantic import ValidationError

from facefill.parameters import HmcOptions


def test_the_rule_of_the_reference_has_a_block_of_its_own():
    options = HmcOptions.model_validate({"reference": {"beta": 0.5}})

    assert options.reference.beta == 0.5
    assert options.reference.leapfrogs == 100
    assert options.leapfrogs == 16


@pytest.mark.parametrize(
    "values", [{"chains": 1}, {"acceptance": 0.99}, {"reference": {"beta": 0.0}}]
)
def test_chains_that_cannot_be_judged_are_refused(values):
    with pytest.raises(ValidationError):
        HmcOptions.model_validate(values)
