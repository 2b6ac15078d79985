"""What users type before anything was trained: an answer, or one line of help."""

import json
import shutil

import pytest

from commands import PORTRAITS, kedro, of_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def one_line(run):
    """The message of a user's error: one line and no traceback."""
    assert run.returncode == 1
    assert "Traceback" not in run.stderr + run.stdout
    (line,) = [text for text in run.stderr.splitlines() if text.startswith("Error")]
    return line


def test_a_misspelt_parameter_is_refused_in_one_line_before_any_work(tmp_path):
    line = one_line(kedro(tmp_path, "--pipeline=complete", "--params=lamda:0.1"))
    assert "'lamda'" in line
    assert "'lam'" in line
    assert not list(tmp_path.iterdir())


def test_training_without_photos_says_where_to_put_them(tmp_path):
    line = one_line(kedro(tmp_path, "--pipeline=train"))
    assert str(tmp_path / "01_raw/photos") in line


def test_completing_without_a_model_says_how_to_get_one(tmp_path):
    folder = tmp_path / "01_raw/incomplete"
    folder.mkdir(parents=True)
    shutil.copy(PORTRAITS / "face-0001.jpg", folder)
    line = one_line(kedro(tmp_path, "--pipeline=complete"))
    assert "kedro run --pipeline=train" in line
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert folders == {"01_raw", ".locks"}


def test_completing_needs_no_training_and_says_which_model_it_used(tmp_path):
    folder = tmp_path / "01_raw/incomplete"
    folder.mkdir(parents=True)
    shutil.copy(PORTRAITS / "face-0001.jpg", folder)
    short = "complete.iterations:2,complete.batch_size:1,complete.bank_size:16"
    run = kedro(tmp_path, "--pipeline=complete", f"--params=image_size:64,{short}")
    assert run.returncode == 0, run.stderr
    assert "Using the pretrained model" in run.stdout + run.stderr
    report = json.loads((tmp_path / "08_reporting/completion.json").read_text())
    assert report["model"]["source"] == "pretrained"
    assert (tmp_path / "07_model_output/completed/face-0001.jpg/photo.png").is_file()
    tags = of_run(
        tmp_path,
        0,
        "SELECT value FROM tags WHERE key = 'facefill.model' AND run_uuid = {run}",
    )
    assert tags == [("pretrained",)]


def test_a_completion_of_which_nothing_has_changed_is_not_begun(tmp_path, monkeypatch):
    folder = tmp_path / "01_raw/incomplete"
    folder.mkdir(parents=True)
    shutil.copy(PORTRAITS / "face-0001.jpg", folder)
    short = "complete.iterations:2,complete.batch_size:1,complete.bank_size:16"
    arguments = "--pipeline=complete", f"--params=image_size:64,{short}"
    assert kedro(tmp_path, *arguments).returncode == 0
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    again = kedro(tmp_path, *arguments)

    assert again.returncode == 0
    assert "nothing to do: no photo, mask, parameter or model" in again.stdout
    assert str(tmp_path / "07_model_output/completed") in again.stdout
    lines = again.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert "facefill.commands.unchanged" in imported
    assert not imported & {"tensorflow", "keras", "mlflow", "pandas", "dlib"}

    (tmp_path / "07_model_output/completed/face-0001.jpg/photo.png").unlink()
    assert "completed 1 of 1 photo" in kedro(tmp_path, *arguments).stdout


def test_drawing_the_curves_of_no_training_says_how_to_train(tmp_path):
    line = one_line(kedro(tmp_path, "--nodes=draw_training_curves"))
    assert line.endswith("run `kedro run --pipeline=train` first")
