"""The parameter of the import of a TensorFlow 1 checkpoint."""

import pytest
from pydantic import ValidationError

from facefill.parameters import ImportOptions


def test_nothing_is_imported_unless_it_is_named():
    assert ImportOptions().path is None
    named = ImportOptions.model_validate({"path": "checkpoint/DCGAN.model-60502"})
    assert named.path == "checkpoint/DCGAN.model-60502"


def test_a_path_is_text():
    with pytest.raises(ValidationError):
        ImportOptions.model_validate({"path": 60502})
