"""Kills, of workers and of whole runs, change nothing of what is prepared."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

import preparing
from projects import ROOT

SAMPLE = ROOT / "data/demo/01_raw/photos"


def choose_photos(folder, source, num_photos):
    """Copy photos, evenly chosen, with a few files that are none."""
    every = sorted(path for path in source.rglob("*.jpg") if path.is_file())
    for number in range(num_photos):
        path = every[number * len(every) // num_photos]
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (folder / "text.jpg").write_text("no picture")
    (folder / "cut.jpg").write_bytes(every[0].read_bytes()[:3000])


def kill_one_of(run, kills, chosen):
    """Kill the run or one of its workers; say which.

    One of the workers if they are behind, for which they are waited for: on a busy
    machine they come late, and few would be met by chance.
    """
    workers = psutil.Process(run.pid).children()
    while not workers and kills["run"] > 2 * kills["worker"] and run.poll() is None:
        time.sleep(0.02)
        workers = psutil.Process(run.pid).children()
    if not workers or kills["worker"] > kills["run"]:
        run.kill()
        return "run"
    os.kill(chosen.choice(workers).pid, signal.SIGKILL)
    return "worker"


def prepare_with_kills(root, num_kills, longest_s, chosen, **options):
    """Prepare, killing at random times, and again until a run comes to its end."""
    kills = Counter()
    while True:
        with preparing.start(root, **options) as run:
            while kills.total() < num_kills:
                try:
                    run.wait(chosen.uniform(0.0, longest_s))
                    break
                except subprocess.TimeoutExpired:
                    kills[kill_one_of(run, kills, chosen)] += 1
            run.communicate()
        assert run.returncode in (0, -signal.SIGKILL)
        if run.returncode == 0 and kills.total() == num_kills:
            return kills
        if run.returncode == 0:
            # It ended before it was to be killed, with little left to do perhaps,
            # or on a machine that is less busy now.
            longest_s /= 2


def compare_with_undisturbed(tmp_path, source, num_photos, num_kills, share, **options):
    """Kill at random times, each up to a share of an undisturbed run after the last."""
    options |= {"workers": 2, "chunk_size": 8}
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    choose_photos(undisturbed / "photos", source, num_photos)
    shutil.copytree(undisturbed / "photos", killed / "photos")
    longest_s = preparing.run(undisturbed, **options)["seconds"] * share
    chosen = random.Random(1)
    kills = prepare_with_kills(killed, num_kills, longest_s, chosen, **options)
    expected, found = preparing.read(undisturbed), preparing.read(killed)
    assert found.differences(expected) == []
    assert len(found.manifest) == num_photos + 2
    assert found.aligned["path"].is_unique
    assert len(found.files) == (found.aligned["status"] == "aligned").sum()
    assert preparing.litter(killed) == []
    records = list((killed / "records").iterdir())
    assert [path.name for path in records] == ["records.jsonl"]
    return kills


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_three_kills_change_nothing(tmp_path):
    kills = compare_with_undisturbed(tmp_path, SAMPLE, 24, 3, 0.5, upsample=0)
    assert kills["run"] + kills["worker"] == 3


@pytest.mark.long
@pytest.mark.chaos
@pytest.mark.lfw
@pytest.mark.timeout(7200)
@pytest.mark.skipif("FACEFILL_LFW" not in os.environ, reason="FACEFILL_LFW is not set")
def test_thirty_kills_over_a_thousand_photos_change_nothing(tmp_path):
    """Counts may be set by FACEFILL_KILLS and FACEFILL_KILL_PHOTOS."""
    num_kills = int(os.environ.get("FACEFILL_KILLS", "30"))
    num_photos = int(os.environ.get("FACEFILL_KILL_PHOTOS", "1000"))
    source = Path(os.environ["FACEFILL_LFW"])
    kills = compare_with_undisturbed(
        tmp_path, source, num_photos, num_kills, 0.125, detector="cascade"
    )
    print(dict(kills))  # noqa: T201  # the report of a long test
    assert kills["run"] >= num_kills // 5
    assert kills["worker"] >= num_kills // 5
