"""A folder of photos to align, and which of them are searched."""

import pytest

from aligning import Preparing
from facefill.preparation import detection


@pytest.fixture
def prepare(tmp_path):
    return Preparing(tmp_path)


@pytest.fixture
def searched(monkeypatch):
    """Note the photos that the detector is run on."""
    calls = []
    find = detection.find_faces

    def noting(photo, upsample):
        calls.append(int(photo[-1, -1, 0]))  # the number that faces_tree gives
        return find(photo, upsample)

    monkeypatch.setattr(detection, "find_faces", noting)
    return calls
