"""What README.md and docs show runs here, or is listed with what runs the like.

Where a command would take hours, it is run with fewer steps.
"""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image

from documented import blocks, commands, labelled
from projects import ROOT

# Beginnings of commands that no test here runs, and what runs the like; or why nothing
# does. The first that fits counts.
ELSEWHERE = {
    "git clone": "the project is here",
    "cp ": "of the system",
    r"\. ": "of the shell",
    "export ": "of the shell",
    "curl ": "tests/runtime/test_tracked_model.py",
    "nginx ": "of the system; tried by hand",
    "htpasswd ": "of the system; tried by hand",
    "make (test|test-slow|lint|demo)$": ".ci/run",
    "make browser": "it is a test",
    "make (test-long|chaos|defects)": "it is a test",
    "make format": "it writes the code anew",
    "make bench": "takes hours",
    "make audit": "asks a registry of packages",
    "python3 -m venv": ".ci/run",
    r".*pip install": "changes the environment; .ci/run installs from the lock",
    r"\.venv/bin/pre-commit install": "changes the repository",
    "docker ": "no engine is where tests are run",
    "kedro airflow": "of a package that is not ours",
    "facefill app": "tests/app/test_in_browser.py",
    r"(\.venv/bin/)?kedro mlflow ui": "tests/browser/test_mlflow.py",
    "kedro viz run": "tests/browser/test_kedro_viz.py",
    "mlflow models serve": "tests/runtime/test_tracked_model.py",
    "dask ": "tests/end_to_end/test_cluster.py",
    r"kedro run .*cluster:tcp": "tests/end_to_end/test_cluster.py",
    r"kedro run .*multi_worker": "tests/training/test_distribution.py",
    r"kedro run .*method:hmc": "takes hours; tests/inversion/hmc/test_sampler.py",
    r"kedro run .*device:gpu": "no GPU is where tests are run",
    r"kedro run .*import_checkpoint": "tests/models/test_tf1_import.py",
    r"kedro run .*start_from:/my/models": "tests/training/test_trainer.py",
    r"kedro run --params=align.method": "tests/preparation/test_extraction.py",
    r"(\.venv/bin/)?kedro run$": "tests/end_to_end/test_runs.py",
    "kedro run --from-nodes": "tests/end_to_end/test_runs.py",
    "kedro run --only-missing-outputs": "tests/end_to_end/test_partial_runs.py",
    r"(.*python -m )?pytest ": "it is a test",
    r"python benchmarks/": "takes hours; tests/benchmarks/test_imports.py",
    r"python tools/plant_defects": "tests/tools/test_plant_defects.py",
    r"python tools/ship_": "ships what takes hours to train",
    r".*tools/tutorial_figures": "tests/tools/test_tutorial_figures.py",
    r".*tools/parameter_page": "tests/tools/test_parameter_page.py",
    r".*tools/run_notebooks": "tests/docs/test_notebooks.py",
}
PYTHON_ELSEWHERE = {"docs/tracking.md": "tests/end_to_end/test_own_model.py"}

# What takes hours otherwise.
FEW_STEPS = {
    "train": "train.max_steps:2,train.steps_per_call:1,train.batch_size:8,"
    "train.generator_width:8,train.discriminator_width:8,train.encoder_steps:1,"
    "train.evaluate_samples:16",
    "evaluate": "evaluate.count:2,evaluate.photos:2,evaluate.masks:[center,left]",
}


def is_run(words):
    """Whether a test of this file runs a command."""
    return not any(re.match(pattern, " ".join(words)) for pattern in ELSEWHERE)


def distinct(program):
    """Commands of a program that are run here, each once."""
    seen = {}
    for page, (first, *rest) in commands():
        if first.rpartition("/")[2] == program and is_run([first, *rest]):
            seen.setdefault((program, *rest), page)
    return labelled([(page, list(words)) for words, page in seen.items()])


@pytest.mark.parametrize(("page", "words"), labelled(commands()))
def test_a_command_is_run_here_or_listed(page, words):
    if is_run(words):
        assert words[0].rpartition("/")[2] in ("kedro", "facefill")


def test_what_is_listed_is_shown_somewhere_and_its_tests_exist():
    shown = [" ".join(words) for _, words in commands()]
    for pattern, where in ELSEWHERE.items():
        assert any(re.match(pattern, line) for line in shown), pattern
        for path in re.findall(r"tests/\S+\.py|\.ci/run", where):
            assert (ROOT / path).is_file()


def run(words, folder, timeout=3500):
    """Type a command of a program that is a module."""
    source = folder / "src" if (folder / "src").is_dir() else ROOT / "src"
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(source), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def place(tmp_path):
    """A folder with the photos and masks that the pages speak of."""
    sample = ROOT / "data/demo/01_raw"
    shutil.copytree(sample, tmp_path / "data/demo/01_raw")
    photo = sample / "incomplete/collins-scratch.jpg"
    mask = sample / "masks/collins-scratch.jpg.png"
    shutil.copy(photo, tmp_path / "photo.jpg")
    # Whole, since a shape such as center is hidden in a face that is found.
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "ann.jpg")
    for name in ("mask.png", "hole.png", "ann-mask.png"):
        shutil.copy(mask, tmp_path / name)
    for folder, source in (("photos", "incomplete"), ("masks", "masks")):
        (tmp_path / folder).mkdir()
        for path in sorted((sample / source).glob("collins-s*")):
            shutil.copy(path, tmp_path / folder)
    pixels = np.asarray(Image.open(photo).convert("RGB")).copy()
    hole = np.asarray(Image.open(mask).convert("L")) >= 128
    alpha = np.where(hole, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "erased.png")
    pixels[hole] = [255, 0, 255]
    Image.fromarray(pixels).save(tmp_path / "painted.png")
    return tmp_path


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("page", "words"), distinct("facefill"))
def test_facefill_completes(page, words, place):
    run(words, place, timeout=800)
    assert (place / words[words.index("--output") + 1]).exists()


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page",
    sorted({page for page, _ in blocks("python") if page not in PYTHON_ELSEWHERE}),
)
def test_the_python_runs_from_the_first_line_to_the_last(page, place):
    lines = "\n".join(text for where, text in blocks("python") if where == page)
    done = subprocess.run(
        [sys.executable, "-c", lines],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of this project, with photos of its own, prepared."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conf", "src", "data/demo/01_raw"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    sample, own = folder / "data/demo/01_raw", folder / "data/01_raw"
    for name in ("photos", "incomplete", "masks"):
        (own / name).mkdir(parents=True)
    for path in sorted((sample / "photos").glob("*.jpg"))[:96]:
        shutil.copy(path, own / "photos")
    shutil.copy(sample / "incomplete/collins-scratch.jpg", own / "incomplete")
    shutil.copy(sample / "masks/collins-scratch.jpg.png", own / "masks")
    for environment in ("base", "demo"):
        run(["kedro", "run", f"--env={environment}", "--pipeline=prepare"], folder)
    return folder


def with_few_steps(words):
    """A command, with parameters that make it short."""
    (pipeline,) = [
        word.removeprefix("--pipeline=")
        for word in words
        if word.startswith("--pipeline=")
    ] or [""]
    if pipeline not in FEW_STEPS:
        return words
    given = [word for word in words if word.startswith("--params=")]
    params = [word.removeprefix("--params=") for word in given]
    # Of two values of a parameter the last counts.
    params.append(FEW_STEPS[pipeline])
    if "train.refiner_steps" in "".join(given):
        params.append("train.refiner_steps:1")
    others = [word for word in words if word not in given]
    return [*others, f"--params={','.join(params)}"]


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("page", "words"), distinct("kedro"))
def test_kedro_does_it(page, words, project, tmp_path):
    if "--pipeline=prepare" in words:  # other runs want what was prepared before
        project = shutil.copytree(project, tmp_path / "project")
    # Trained with other parameters, it would be another training.
    for models in list(project.glob("data/**/06_models")):
        shutil.rmtree(models)
    run(with_few_steps(words), project)
