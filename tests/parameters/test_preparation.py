"""Parameters of the preparation: what is left to the machine, and what is refused."""

import pytest
from pydantic import ValidationError

from facefill.parameters import (
    AlignOptions,
    FlattenOptions,
    IngestOptions,
    PrepareOptions,
)


def test_workers_and_cluster_are_left_to_the_machine():
    assert AlignOptions().workers is None
    assert AlignOptions().cluster is None


@pytest.mark.parametrize(
    ("block", "values"),
    [
        (AlignOptions, {"workers": 0}),
        (AlignOptions, {"landmarks": "noseTip"}),
        (AlignOptions, {"timeout_s": 0.0}),
        (IngestOptions, {"max_pixels": 0}),
        (FlattenOptions, {"held_out_fraction": 1.0}),
        (PrepareOptions, {"drop_duplicates": "all"}),
    ],
)
def test_values_out_of_range_are_refused(block, values):
    with pytest.raises(ValidationError):
        block.model_validate(values)
