"""What an earlier version of facefill left is read, and not mixed with what is new."""

import shutil
import tarfile

import pytest

from commands import PORTRAITS, SAMPLE, kedro
from facefill.models.face_pca import FacePca
from facefill.models.files import read_pair, weights_sha256
from facefill.runtime.files import file_sha256
from facefill.runtime.result_cache import ResultCache
from facefill.training.checkpoints import CheckpointStore
from projects import ROOT

ARCHIVE = ROOT / "tests/golden/project-2fc7cb0.tar.xz"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def data(tmp_path):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    for folder, source, first, last in (
        ("photos", SAMPLE / "photos", 41, 80),
        ("incomplete", PORTRAITS, 1, 4),
    ):
        target = tmp_path / "01_raw" / folder
        target.mkdir(parents=True)
        for number in range(first, last + 1):
            shutil.copy(source / f"face-{number:04d}.jpg", target)
    return tmp_path


def files(folder):
    return {
        path.relative_to(folder).as_posix(): (
            file_sha256(path),
            path.stat().st_mtime_ns,
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_checkpoints_models_statistics_and_records_are_read(data):
    assert CheckpointStore(data / "06_models/checkpoints").latest().step == 20
    pair = read_pair(data / "06_models")
    assert pair.generator.output_shape == (None, 16, 16, 3)
    statistics = (data / "06_models/face_statistics.npz").read_bytes()
    assert FacePca.unpacked(statistics).image_size == 16
    records = ResultCache(data / "03_primary/alignment_records")
    records.load()
    assert len(records) == 40


def test_faces_far_larger_than_their_crops_are_made_anew_and_no_training_mixes_both(
    data,
):
    # The project's crops have 16 pixels, and its faces some 180 pixels of the photo:
    # from four times on they are averaged now before they are sampled.
    aligned = files(data / "03_primary/aligned")
    weights = weights_sha256(read_pair(data / "06_models").generator)
    run = kedro(data, "--pipeline=train")
    assert run.returncode == 1
    assert "was begun with faces = 33 of hash" in run.stderr
    assert "move that folder away to begin anew" in run.stderr
    assert weights_sha256(read_pair(data / "06_models").generator) == weights
    anew = files(data / "03_primary/aligned")
    assert anew.keys() == aligned.keys()
    assert all(anew[name][0] != aligned[name][0] for name in aligned)
