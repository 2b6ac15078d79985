"""A full disk is one line with the path; what was there before stays as it was."""

import shutil

import pytest

import disturbing

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

# The stage, the folder whose disk is small, and what is deleted to be made again.
DISKS = [
    ("prepare", "02_intermediate", ["photos.parquet", "photo_records"]),
    ("prepare", "03_primary", ["aligned", "alignment_records", "alignment.parquet"]),
    ("prepare", "05_model_input", ["faces.npy"]),
    ("train", "06_models", ["checkpoints", "generator.keras"]),
    ("sample", "07_model_output", ["samples"]),
    ("complete", "07_model_output", ["completed"]),
    ("evaluate", "08_reporting", ["evaluation.parquet", "figures", "report.html"]),
]


def used_kilobytes(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    # A file takes whole pages, and so does a folder's name.
    return sum(-(-path.stat().st_size // 4096) * 4 for path in files)


@pytest.mark.parametrize(("stage", "folder", "deleted"), DISKS)
def test_a_full_disk_is_one_line_and_costs_nothing(data, stage, folder, deleted):
    disk = data / folder
    for name in deleted:
        path = disk / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = disturbing.contents(disk)
    command = [f"--pipeline={stage}"]
    with disturbing.small_disk(disk, used_kilobytes(disk) + 4) as make_room:
        line = disturbing.error_of(disturbing.run(data, *command))
        assert str(disk) in line
        assert "No space left" in line
        after = disturbing.contents(disk)
        assert {name: after[name] for name in before} == before
        make_room()
        again = disturbing.run(data, *command)
        assert again.returncode == 0, again.stdout + again.stderr
        assert disturbing.litter(disk) == []
