"""A model of one's own: what is learnt beside the networks is served with it."""

import shutil
import subprocess
import sys

import mlflow
import numpy as np
import pytest
from PIL import Image

from commands import PORTRAITS, SAMPLE, environment, kedro
from documented import blocks
from facefill.imaging.photos import read_photo
from model_servers import ask, served_model
from projects import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3000),
    # MLflow's own tables warn when SQLAlchemy sets them up.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

MODEL = "models:/facefill-test@champion"
NETWORKS = ("generator.keras", "discriminator.keras")
COMPANIONS = ("face_statistics.npz", "encoder/encoder.npz", "refiner/refiner.npz")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of data after a training with an encoder and a refiner."""
    data = tmp_path_factory.mktemp("data")
    folder = data / "01_raw/photos"
    folder.mkdir(parents=True)
    for path in sorted((SAMPLE / "photos").glob("*.jpg"))[:60]:
        shutil.copy(path, folder)
    for arguments in (
        ["--pipeline=prepare"],
        ["--pipeline=train", "--params=train.refiner_steps:3"],
    ):
        run = kedro(data, *arguments, timeout=1200)
        assert run.returncode == 0, run.stdout + run.stderr
    assert "is version 1 of facefill-test, the champion" in run.stdout + run.stderr
    return data


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A photo, and its mask."""
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copy(PORTRAITS / "face-0001.jpg", folder / "photo.jpg")
    with Image.open(folder / "photo.jpg") as photo:
        width, height = photo.size
    hole = Image.new("L", (width, height))
    hole.paste(255, (width * 2 // 5, height // 2, width * 7 // 10, height * 7 // 10))
    hole.save(folder / "mask.png")
    return folder


def completed(data, damaged, model, name):
    """Bytes that ``facefill complete`` writes with the model of a folder."""
    options = ["--mask", "mask.png", "--model", model, "--output", name]
    done = subprocess.run(
        [sys.executable, "-m", "facefill", "complete", "photo.jpg", *options],
        cwd=damaged,
        env=environment(data) | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (damaged / name).read_bytes()


@pytest.fixture(scope="module")
def own(trained, damaged):
    """What the trained model makes of the photo, by the command."""
    return completed(trained, damaged, trained / "06_models", "own.jpg")


def test_the_registered_model_has_every_file_of_the_training(trained, tmp_path):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{trained / 'mlflow.db'}")
    try:
        mlflow.artifacts.download_artifacts(MODEL, dst_path=str(tmp_path))
    finally:
        mlflow.set_tracking_uri(before)
    (networks,) = (tmp_path / "artifacts").iterdir()
    found = {
        path.relative_to(networks).as_posix()
        for path in networks.rglob("*")
        if path.is_file()
    }
    assert found == {*NETWORKS, *COMPANIONS}
    for name in found:
        made = (trained / "06_models" / name).read_bytes()
        assert (networks / name).read_bytes() == made


def test_the_served_answer_is_what_the_command_completes(
    trained, damaged, own, tmp_path
):
    given = [(damaged / name).read_bytes() for name in ("photo.jpg", "mask.png")]
    store = f"sqlite:///{trained / 'mlflow.db'}"
    with served_model(MODEL, store, tmp_path) as address:
        photo, reason = ask(address, *given)
    assert reason == ""
    (damaged / "served.jpg").write_bytes(photo)
    pixels = [read_photo(damaged / name) for name in ("served.jpg", "own.jpg")]
    assert np.array_equal(*pixels)
    assert photo == own


# What docs/tracking.md takes for granted, and what a test sees of its outcome.
BEFORE = """
from pathlib import Path
import sys
import pandas as pd
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
with KedroSession.create(Path.cwd(), env="test") as session:
    catalog = session.load_context().catalog
photo, mask = [Path(name).read_bytes() for name in sys.argv[1:3]]
"""
AFTER = """
assert done["reason"][0] == "", done
Path(sys.argv[3]).write_bytes(done["photo"][0])
"""


def test_the_catalog_has_it_in_a_notebook_as_the_page_on_mlflow_says(
    trained, damaged, own
):
    ((_, lines),) = blocks("python", ["docs/tracking.md"])
    names = [str(damaged / name) for name in ("photo.jpg", "mask.png", "loaded.jpg")]
    done = subprocess.run(
        [sys.executable, "-c", f"{BEFORE}\n{lines}\n{AFTER}", *names],
        cwd=ROOT,
        env=environment(trained) | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (damaged / "loaded.jpg").read_bytes() == own


@pytest.mark.parametrize("left_out", COMPANIONS)
def test_each_of_them_has_a_part_in_the_answer(
    trained, damaged, own, left_out, tmp_path
):
    networks = tmp_path / "networks"
    shutil.copytree(trained / "06_models", networks)
    (networks / left_out).unlink()
    assert completed(trained, damaged, networks, "without.jpg") != own
