"""Runs of a part of the graph: by outputs, from a node on, and what is missing only."""

import re
import shutil

import pandas as pd
import pytest

from commands import PORTRAITS, kedro

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

NUM_PHOTOS = 2
SHORT = (
    "--params=image_size:64,model:pretrained,"
    "complete.iterations:2,complete.batch_size:2,complete.bank_size:16"
)
NODES = [
    "incomplete.ingest_photos",
    "incomplete.find_holes",
    "incomplete.align_faces",
    "plan_completion",
    "complete_photos",
]


def run(data, *arguments):
    """Run, and list the nodes that were run."""
    finished = kedro(data, SHORT, *arguments)
    assert finished.returncode == 0, finished.stderr
    return re.findall(r"\[\d+/\d+\] (\S+)", finished.stdout)


@pytest.fixture(scope="module")
def completed(tmp_path_factory):
    """The folder after the completions alone were asked for, and the nodes run."""
    data = tmp_path_factory.mktemp("data")
    folder = data / "01_raw/incomplete"
    folder.mkdir(parents=True)
    for path in sorted(PORTRAITS.glob("*.jpg"))[:NUM_PHOTOS]:
        shutil.copy(path, folder)
    nodes = run(data, "--pipeline=complete", "--to-outputs=completions")
    return data, nodes


def photos(data):
    return list((data / "07_model_output/completed").glob("*/photo.png"))


def test_completions_can_be_asked_for_by_their_name(completed):
    data, nodes = completed
    assert nodes == NODES
    assert len(photos(data)) == NUM_PHOTOS


def test_a_run_from_a_node_on_reads_what_was_made_before(completed):
    data, _ = completed
    folder = data / "07_model_output/completed"
    shutil.rmtree(folder / "face-0001.jpg")
    assert run(data, "--pipeline=complete", "--from-nodes=complete_photos") == NODES[4:]
    assert len(photos(data)) == NUM_PHOTOS
    table = pd.read_parquet(folder / "completions.parquet")
    assert table["status"].tolist() == ["completed"] * NUM_PHOTOS


def test_only_missing_outputs_are_made(completed):
    data, _ = completed
    missing_only = ("--pipeline=complete", "--only-missing-outputs")
    assert run(data, *missing_only) == []
    shutil.rmtree(data / "07_model_output/completed")
    (data / "08_reporting/completion.json").unlink()
    # The plan lies beside the completions.
    assert run(data, *missing_only) == NODES[3:]
    assert len(photos(data)) == NUM_PHOTOS
