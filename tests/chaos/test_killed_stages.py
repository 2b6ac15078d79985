"""Stages that are killed at any moment end, given again, in the same files."""

import shutil

import pytest

import disturbing

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]

KILLS = 6
# By stage: what it makes, and how long it takes at most on two busy cores.
STAGES = {
    "sample": (["07_model_output/samples"], 25.0),
    "complete": (["07_model_output/completed"], 40.0),
    "evaluate": (["08_reporting/evaluation.parquet", "08_reporting/figures"], 50.0),
}


def forget(data, outputs):
    for name in outputs:
        path = data / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("stage", STAGES)
def test_six_kills_of_a_stage_change_no_file(undisturbed, data, stage):
    outputs, longest_s = STAGES[stage]
    forget(data, outputs)
    command = [f"--pipeline={stage}"]
    disturbing.kill_at_random(data, command, KILLS, longest_s, seed=len(stage))
    expected, found = disturbing.contents(undisturbed), disturbing.contents(data)
    for name in outputs:
        assert {path: digest for path, digest in found.items() if name in path} == {
            path: digest for path, digest in expected.items() if name in path
        }
    assert disturbing.litter(data) == []
