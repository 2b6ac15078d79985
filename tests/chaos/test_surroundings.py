"""Whatever surrounds a command: the same files, or one line that says what is wrong."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

import disturbing
from commands import PORTRAITS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

CLOCK = """
import functools, time

def shifted(real, *moment):
    return real(*moment) if moment else real(now())

real_now, real_ns = time.time, time.time_ns
back_s = int(real_now()) - 5 * 365 * 86400
now = lambda: real_now() - back_s
time.time, time.time_ns = now, lambda: real_ns() - back_s * 10**9
for name in ("localtime", "gmtime"):
    setattr(time, name, functools.partial(shifted, getattr(time, name)))
"""
"""A clock of 1975: zip files begin in 1980."""


def completed(data):
    """Complete the photos anew; give their pictures by path."""
    shutil.rmtree(data / "07_model_output/completed", ignore_errors=True)
    return data / "07_model_output/completed"


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "1"},
        {"HOME": "/nonexistent", "PYTHONHASHSEED": "0"},
    ],
    ids=["C without UTF-8", "Turkish, Kathmandu", "no home"],
)
def test_locale_zone_and_home_change_no_byte(data, undisturbed, variables):
    folder = completed(data)
    name = "Zoë 日本.jpg"
    shutil.copy(PORTRAITS / "face-0004.jpg", data / "01_raw/incomplete" / name)
    (data / "01_raw/incomplete/kaputt ü.jpg").write_text("no picture")
    finished = disturbing.run(data, "--pipeline=complete", **variables)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Logging error" not in finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    table = pd.read_parquet(folder / "completions.parquet")
    rejected = table[table["status"] == "rejected"]["reason"].tolist()
    if "PYTHONUTF8" in variables:  # The name is none in ASCII.
        assert rejected == ["bad_name", "bad_name"]
    else:
        assert rejected == ["not_a_picture"]
        assert (folder / name / "photo.png").is_file()
    expected = disturbing.contents(undisturbed / "07_model_output/completed")
    found = disturbing.contents(folder)
    photos = [path for path in expected if path.endswith("photo.png")]
    assert len(photos) == 3
    assert [found[path] for path in photos] == [expected[path] for path in photos]


def test_a_clock_of_1975_is_no_error(data, tmp_path):
    shutil.rmtree(data / "06_models")
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    finished = disturbing.run(data, "--pipeline=train", PYTHONPATH=path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert (data / "06_models/generator.keras").is_file()


def test_too_little_memory_is_one_line(data):
    limit = ["bash", "-c", 'ulimit -v 1500000; exec "$@"', "bash"]
    line = disturbing.error_of(disturbing.run(data, "--pipeline=sample", prefix=limit))
    assert "not enough memory" in line


@pytest.mark.parametrize(
    "stage", ["prepare", "train", "sample", "complete", "evaluate"]
)
def test_64_descriptors_are_enough_for_every_stage(data, undisturbed, stage):
    made = {
        "prepare": ["03_primary/aligned", "05_model_input"],
        "train": ["06_models"],
        "sample": ["07_model_output/samples"],
        "complete": ["07_model_output/completed"],
        "evaluate": ["08_reporting/evaluation_records"],
    }[stage]
    for name in made:
        shutil.rmtree(data / name, ignore_errors=True)
    limit = ["bash", "-c", 'ulimit -n 64; exec "$@"', "bash"]
    finished = disturbing.run(data, f"--pipeline={stage}", prefix=limit)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    pictures = {
        path: digest
        for path, digest in disturbing.contents(undisturbed).items()
        if path.startswith(tuple(made)) and path.endswith(".png")
    }
    assert pictures or stage in {"train", "evaluate"}
    found = disturbing.contents(data)
    assert pictures.items() <= found.items()


def test_too_few_descriptors_are_one_line(data):
    limit = ["bash", "-c", 'ulimit -n 12; exec "$@"', "bash"]
    finished = disturbing.run(data, "--pipeline=sample", prefix=limit)
    assert finished.returncode != 0
    said = finished.stdout + finished.stderr
    assert "Traceback" not in said
    assert "Too many open files" in said


# The stage, what is not to be written or read, what is deleted to be made again.
FORBIDDEN = [
    ("prepare", ".", 0o555, ["mlflow.db", ".locks"]),
    ("prepare", ".locks", 0o555, [".locks/*"]),
    ("prepare", "mlflow.db", 0o444, []),
    ("prepare", "02_intermediate", 0o555, ["02_intermediate/*"]),
    ("prepare", "03_primary", 0o555, ["03_primary/*"]),
    ("prepare", "05_model_input", 0o555, ["05_model_input/*"]),
    ("sample", "07_model_output/samples", 0o555, []),
    ("sample", "06_models/generator.keras", 0o000, []),
    ("complete", "07_model_output", 0o555, ["07_model_output/completed"]),
    ("evaluate", "08_reporting", 0o555, []),
]


@pytest.fixture
def unprivileged():
    if not disturbing.AS_ROOT:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may do everything, and there is no setpriv")
    return disturbing.WITHOUT_PRIVILEGE


@pytest.mark.parametrize(("stage", "name", "mode", "deleted"), FORBIDDEN)
def test_what_may_not_be_written_or_read_is_one_line(
    data, unprivileged, stage, name, mode, deleted
):
    for pattern in deleted:
        for path in data.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    forbidden = data / name
    usual = forbidden.stat().st_mode
    forbidden.chmod(mode)
    try:
        finished = disturbing.run(data, f"--pipeline={stage}", prefix=unprivileged)
    finally:
        forbidden.chmod(usual)
    line = disturbing.error_of(finished)
    assert str(Path(os.path.normpath(forbidden))) in line
    assert "ermission" in line


def test_a_mask_that_may_not_be_read_is_a_row(data, unprivileged):
    completed(data)
    masks = data / "01_raw/masks"
    masks.mkdir(exist_ok=True)
    (masks / "face-0001.jpg.png").write_bytes(b"whatever it holds")
    (masks / "face-0001.jpg.png").chmod(0)
    finished = disturbing.run(data, "--pipeline=complete", prefix=unprivileged)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    assert "completed 2 of 3 photos" in finished.stdout
