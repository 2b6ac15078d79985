"""Parameters of the evaluation: masks with a hole, and something to compare."""

import pytest
from pydantic import ValidationError

from facefill.parameters import EvaluateOptions


@pytest.mark.parametrize(
    ("key", "value"),
    [("masks", []), ("masks", ["full"]), ("methods", []), ("methods", ["magic"])],
)
def test_what_cannot_be_evaluated_is_refused(key, value):
    with pytest.raises(ValidationError, match=key):
        EvaluateOptions.model_validate({key: value})


def test_the_slow_reference_is_compared_only_where_it_is_asked_for():
    assert "reference" not in EvaluateOptions().methods
    chosen = EvaluateOptions.model_validate({"methods": ["reference"]})
    assert chosen.methods == ["reference"]
