"""What every test gets."""

import pytest


@pytest.fixture(autouse=True)
def _no_telemetry(monkeypatch):
    monkeypatch.setenv("DO_NOT_TRACK", "1")
