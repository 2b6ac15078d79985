"""The commands that users type, in processes of their own, in a temporary folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from commands import PORTRAITS, SAMPLE, environment, kedro, of_run, query
from facefill.models.encoders import read_encoder
from facefill.models.files import read_pair, weights_sha256
from projects import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ARTIFACTS = [
    "02_intermediate/photos.parquet",
    "02_intermediate/holes.parquet",
    "03_primary/alignment.parquet",
    "05_model_input/faces.npy",
    "05_model_input/faces.parquet",
    "06_models/encoder/encoder.npz",
    "06_models/generator.keras",
    "06_models/discriminator.keras",
    "07_model_output/samples/grid.png",
    "07_model_output/samples/single/000.png",
    "07_model_output/samples/walk.gif",
    "07_model_output/samples/arithmetic.png",
    "07_model_output/samples/training.gif",
    "07_model_output/completed/before.png",
    "07_model_output/completed/masked.png",
    "07_model_output/completed/completed.png",
    "07_model_output/completed/blended.png",
    "07_model_output/completed/completion.gif",
    "07_model_output/completed/completions.parquet",
    "07_model_output/completed/plan.parquet",
    "07_model_output/completed/preview.png",
    "08_reporting/preparation.json",
    "08_reporting/preparation/contact_sheet.png",
    "08_reporting/preparation/mean_faces.png",
    "08_reporting/preparation/outcomes.png",
    "08_reporting/encoder.json",
    "08_reporting/training.json",
    "08_reporting/training_curves.json",
    "08_reporting/completion.json",
    "08_reporting/evaluation.json",
    "06_models/face_statistics.npz",
    "08_reporting/evaluation.parquet",
    "08_reporting/report.html",
    "08_reporting/figures/hole_psnr.png",
    "08_reporting/figures/identity.png",
    "08_reporting/figures/center.png",
]

FACE = "face-0001.jpg"


def write_bad_photos(folder):
    """A photo without a face, and one whose file was cut."""
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    Image.fromarray(noise).save(folder / "noface.png")
    content = (SAMPLE / "photos/face-0001.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(content[: len(content) // 2])


def write_masks(folder):
    """Mask files of a face, of the photo without one, and of no photo."""
    folder.mkdir(parents=True)
    with Image.open(PORTRAITS / FACE) as image:
        size = image.size
    for mask, (width, height) in (
        ("noface.png", (80, 80)),
        (f"{FACE}.png", size),
        ("nobody.png", (8, 8)),
    ):
        hole = Image.new("L", (width, height))
        # The right half, from a quarter of the height on.
        hole.paste(255, (width // 2, height // 4, width, height))
        hole.save(folder / mask)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder after ``kedro run``: everything was done once."""
    data = tmp_path_factory.mktemp("data")
    for name, source, count in (
        ("photos", SAMPLE / "photos", 30),
        ("incomplete", PORTRAITS, 3),
    ):
        folder = data / "01_raw" / name
        folder.mkdir(parents=True)
        for path in sorted(source.glob("*.jpg"))[:count]:
            shutil.copy(path, folder)
        write_bad_photos(folder)
    write_masks(data / "01_raw/masks")
    run = kedro(data)
    assert run.returncode == 0, run.stderr + run.stdout
    assert "no photo for 1 of the mask files: nobody.png" in run.stderr + run.stdout
    return data


def test_kedro_run_leaves_every_artifact_of_the_catalog(finished):
    missing = [name for name in ARTIFACTS if not (finished / name).is_file()]
    assert missing == []
    for folder in ("03_primary/aligned", "04_feature/faces", "06_models/checkpoints"):
        assert any((finished / folder).iterdir())


def test_the_notebook_of_results_shows_what_the_run_left(finished):
    done = subprocess.run(
        [sys.executable, ROOT / "tests/support/notebooks.py", "results.ipynb"],
        cwd=ROOT / "notebooks",
        env=environment(finished) | {"KEDRO_ENV": "test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pictures = [json.loads(line)[1] for line in done.stdout.splitlines()]
    assert sum(picture is not None for picture in pictures) == 3


def test_every_photo_is_a_row_with_a_reason_if_it_was_rejected(finished):
    photos = pd.read_parquet(finished / "03_primary/alignment.parquet")
    assert len(photos) == 32
    bad = photos[photos["status"] != "aligned"].set_index("path")["reason"]
    assert bad.to_dict() == {"cut.jpg": "truncated", "noface.png": "no_face"}
    table = pd.read_parquet(finished / "07_model_output/completed/completions.parquet")
    assert table["status"].value_counts().to_dict() == {"completed": 4, "rejected": 1}


def test_a_photo_is_whole_in_its_own_format_with_or_without_a_face(finished):
    output = finished / "07_model_output/completed"
    table = pd.read_parquet(output / "completions.parquet").set_index("id")
    assert table.loc["noface.png", ["mask", "faces", "by_inpainting"]].tolist() == [
        "file",
        0,
        1.0,
    ]
    face = table.loc[FACE]
    assert (face["mask"], face["faces"], face["left"]) == ("file", 1, 0.0)
    assert face["by_face"] + face["by_inpainting"] == pytest.approx(1.0)
    for name in ("noface.png", FACE):
        with Image.open(output / name / f"photo{Path(name).suffix}") as image:
            assert image.format == ("PNG" if name == "noface.png" else "JPEG")
    before = np.asarray(Image.open(finished / "01_raw/incomplete/noface.png"))
    after = np.asarray(Image.open(output / "noface.png/photo.png"))
    assert np.array_equal(after[:, :40], before[:, :40])
    assert not np.array_equal(after[20:, 40:], before[20:, 40:])


def test_one_finished_mlflow_run_has_parameters_curves_pictures_and_models(finished):
    status = of_run(finished, 0, "SELECT status FROM runs WHERE run_uuid = {run}")
    assert status == [("FINISHED",)]
    run = "run_uuid = {run}"
    parameters = dict(of_run(finished, 0, f"SELECT key, value FROM params WHERE {run}"))
    assert parameters["lam"] == "0.1"
    assert parameters["train.batch_size"] == "8"
    metrics = of_run(finished, 0, f"SELECT key, step FROM metrics WHERE {run}")
    assert [step for key, step in metrics if key == "train/loss_generator"] == [10, 20]
    assert {key for key, _ in metrics} >= {
        "complete/contextual",
        "evaluate/center/hole_psnr",
        "encoder/hole_psnr",
        "encoder/latents",
        "encoder/pixels",
        "train/d_fake",
        # The run takes longer than the ten seconds between two looks at the machine.
        "system/cpu_utilization_percentage",
        "system/system_memory_usage_megabytes",
        "system/network_receive_megabytes",
    }
    tags = of_run(
        finished,
        0,
        "SELECT t.value FROM experiment_tags t JOIN runs r USING (experiment_id) "
        "WHERE t.key = 'mlflow.experimentKind' AND r.run_uuid = {run}",
    )
    assert tags == [("custom_model_development",)]
    artifacts = {path.name for path in (finished / "mlartifacts").rglob("*.*")}
    assert artifacts >= {
        "generator.keras",
        "encoder.npz",
        "grid.png",
        "completed.png",
        "completion.gif",
        "evaluation.json",
        "training_curves.html",
        "parameters.yml",
        # The full-size result, in the format that the photo came in.
        "photo.jpg",
    }
    # A few charts: of single numbers, those of our completions.
    bars = {key for key, _ in metrics if key.startswith("evaluate/")}
    assert len(bars) <= 24  # two a mask, and those judged in the photo


def test_the_run_is_called_by_what_it_did_and_its_model_is_the_champion(finished):
    tag = "SELECT value FROM tags WHERE key = '{key}' AND run_uuid = {{run}}"
    ((name,),) = of_run(finished, 0, tag.format(key="mlflow.runName"))
    assert name == (
        "everything: train 16 px, 20 steps, 25 faces; "
        "complete 2 masks lam 0.1, 4 photos"
    )
    ((note,),) = of_run(finished, 0, tag.format(key="mlflow.note.content"))
    assert "| completed | 4 of 5 photos; left out: truncated 1 |" in note
    ((uses,),) = of_run(
        finished,
        0,
        "SELECT COUNT(*) FROM inputs WHERE destination_type = 'RUN' "
        "AND source_type = 'DATASET' AND destination_id = {run}",
    )
    assert uses >= 1
    aliases = query(
        finished, "SELECT name, alias, version FROM registered_model_aliases"
    )
    assert aliases == [("facefill-test", "champion", 1)]


@pytest.mark.parametrize("typed", ["lam:0.25", "lam=0.25"])
def test_complete_takes_lam_as_typed_and_mlflow_shows_it(finished, typed):
    run = kedro(finished, "--pipeline=complete", f"--params={typed}")
    assert run.returncode == 0, run.stderr
    assert "deprecat" not in run.stderr.lower()
    found = of_run(
        finished, -1, "SELECT value FROM params WHERE key = 'lam' AND run_uuid = {run}"
    )
    assert found == [("0.25",)]
    table = pd.read_parquet(finished / "07_model_output/completed/completions.parquet")
    row = table[table["status"] == "completed"].iloc[0]
    assert row["loss"] == pytest.approx(row["contextual"] + 0.25 * row["perceptual"])


def test_the_notebook_runs_on_what_a_run_left(finished):
    notebook = json.loads((ROOT / "notebooks/results.ipynb").read_text())
    code = ["".join(cell["source"]) for cell in notebook["cells"] if "outputs" in cell]
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(code)],
        cwd=ROOT / "notebooks",
        env=environment(finished) | {"KEDRO_ENV": "test"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert run.returncode == 0, run.stderr


def test_a_training_without_an_encoder_ends_in_the_same_generator(finished, tmp_path):
    data = tmp_path / "without"
    shutil.copytree(finished, data, ignore=shutil.ignore_patterns("checkpoints", "ml*"))
    assert (data / "06_models/encoder/encoder.npz").is_file()
    run = kedro(data, "--pipeline=train", "--params=train.encoder_steps:0")
    assert run.returncode == 0, run.stderr
    pairs = [read_pair(folder / "06_models") for folder in (finished, data)]
    for one, other in zip(*pairs, strict=True):
        assert weights_sha256(one) == weights_sha256(other)
    # It would be another generator's as soon as there is one.
    assert not (data / "06_models/encoder/encoder.npz").exists()
    encoder = read_encoder(finished / "06_models/encoder")
    assert encoder.generator_sha256 == weights_sha256(pairs[0].generator)


def checkpoints(data):
    return sorted((data / "06_models/checkpoints").glob("step-*.npz"))


def state(path):
    """The arrays of a checkpoint; the last column of the history is a speed."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["history"] = arrays["history"][:, :-1]
    return arrays


def test_a_training_that_was_killed_goes_on_to_the_same_end(finished, tmp_path):
    long = "--params=train.max_steps:300,train.sample_every:300"
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for data in (whole, cut):
        shutil.copytree(
            finished, data, ignore=shutil.ignore_patterns("06_models", "ml*")
        )
    assert kedro(whole, "--pipeline=train", long).returncode == 0
    command = [sys.executable, "-m", "kedro", "run", "--env=test", "--pipeline=train"]
    process = subprocess.Popen(
        [*command, long],
        cwd=ROOT,
        env=environment(cut),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not checkpoints(cut) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = int(checkpoints(cut)[-1].name.split("-")[1])
    assert 0 < done < 300
    run = kedro(cut, "--pipeline=train", long)
    assert run.returncode == 0, run.stderr
    assert "continuing the training from step" in run.stdout + run.stderr
    one, two = (state(checkpoints(data)[-1]) for data in (whole, cut))
    assert one.keys() == two.keys()
    # Scores that were not measured are NaN.
    assert all(np.array_equal(one[name], two[name], equal_nan=True) for name in one)
    report = json.loads((cut / "08_reporting/training.json").read_text())
    assert report["steps"] == 300
