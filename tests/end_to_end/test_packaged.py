"""The wheel runs in a folder that holds a configuration and data, and nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from projects import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy, which building writes into."""
    copy, made = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", copy / "src", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", made, copy]
    subprocess.run(command, check=True, timeout=300)
    (path,) = made.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_the_package(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("facefill/")}
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src/facefill").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == sources


def test_it_samples_from_the_pretrained_model_without_the_source_tree(wheel, tmp_path):
    installed, project = tmp_path / "installed", tmp_path / "project"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    shutil.copytree(ROOT / "conf", project / "conf")
    (project / "data").mkdir()
    command = [sys.executable, "-m", "facefill", "--env=test", "--pipeline=sample"]
    done = subprocess.run(
        [*command, "--params=image_size:64"],
        cwd=project,
        env=os.environ
        | {
            "PYTHONPATH": str(installed),
            "FACEFILL_TEST_DATA": str(project / "data"),
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "data/07_model_output/samples/grid.png").is_file()
    assert {path.name for path in project.iterdir()} == {"conf", "data"}
