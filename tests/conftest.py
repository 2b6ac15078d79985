"""What every test gets."""

import pytest


@pytest.fixture(autouse=True)
def _no_telemetry(monkeypatch):
    monkeypatch.setenv("DO_NOT_TRACK", "1")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begin with what takes longest: begun last, it would end alone on one core."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
