"""A small project that has run once, for all tests of its pages."""

import pytest

from projects import Embedded

# The whole system in a minute or two: a training that has curves and pictures, but
# draws no faces, beside completions by the pretrained model.
SMALL = (
    "align.detector:cascade,train.max_steps:30,train.generator_width:8,"
    "train.discriminator_width:8,train.sample_every:10,train.checkpoint_every:15,"
    "sample.count:9,sample.walk_stops:2,sample.walk_frames:4,"
    "evaluate.count:2,evaluate.photos:2"
)


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """The project, after ``kedro run --env=demo`` on part of the embedded sample."""
    project = Embedded(tmp_path_factory.mktemp("project"))
    run = project.kedro("run", "--env=demo", f"--params={SMALL}")
    assert run.returncode == 0, run.stdout + run.stderr
    project.said = run.stdout
    return project
