"""A folder of data in which everything was done once, undisturbed."""

import shutil

import pytest

import disturbing
from commands import PORTRAITS, SAMPLE


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """After ``kedro run``: photos prepared, a model trained, photos completed."""
    data = tmp_path_factory.mktemp("undisturbed") / "data"
    for name, source, count in (
        ("photos", SAMPLE / "photos", 24),
        ("incomplete", PORTRAITS, 3),
    ):
        folder = data / "01_raw" / name
        folder.mkdir(parents=True)
        for path in sorted(source.glob("*.jpg"))[:count]:
            shutil.copy(path, folder)
    finished = disturbing.run(data)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return data


@pytest.fixture
def data(undisturbed, tmp_path):
    """A copy of it, to be disturbed."""
    shutil.copytree(undisturbed, tmp_path / "data")
    return tmp_path / "data"
