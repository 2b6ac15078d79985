"""All parameters together."""

import pytest
from pydantic import ValidationError

from facefill.parameters import Parameters


def test_arithmetic_takes_no_more_samples_than_there_are():
    with pytest.raises(ValidationError, match=r"sample 8, but sample\.count is 8"):
        Parameters.model_validate({"sample": {"count": 8}})
    assert Parameters.model_validate({"sample": {"count": 9}}).sample.count == 9


@pytest.mark.parametrize("size", [0, 48, 64.5, "64"])
def test_faces_have_a_size_that_the_networks_have(size):
    with pytest.raises(ValidationError, match="image_size"):
        Parameters.model_validate({"image_size": size})


def test_the_blocks_are_the_stages():
    blocks = set(Parameters.model_fields) - {
        "seed",
        "image_size",
        "lam",
        "model",
        "mask",
    }
    assert blocks == {
        "ingest",
        "align",
        "flatten",
        "prepare",
        "train",
        "sample",
        "complete",
        "evaluate",
        "import_checkpoint",
    }
