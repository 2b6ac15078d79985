"""Parameters of the samples."""

import pytest
from pydantic import ValidationError

from facefill.parameters import SampleOptions


@pytest.mark.parametrize("numbers", [[0, 1], [0, 1, 2, 3], [0, 1, -1], ["a", 1, 2]])
def test_arithmetic_takes_three_numbers_of_samples(numbers):
    with pytest.raises(ValidationError):
        SampleOptions.model_validate({"arithmetic": {"start": numbers}})


def test_a_walk_has_two_stops_at_least():
    with pytest.raises(ValidationError):
        SampleOptions.model_validate({"walk_stops": 1})
