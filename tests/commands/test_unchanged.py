"""A completion is not begun again where nothing has changed, and else it is."""

import json

import pytest

from facefill.commands.unchanged import RepeatedCompletion, is_completion
from facefill.pipelines.complete import create_pipeline

# Kedro warns of namespaces in names, once a process.
pytestmark = pytest.mark.filterwarnings("ignore:One or more dataset names")

NAMES = ("incomplete_photos", "generator", "completions", "completion_report")
CATALOG = {name: {"path": f"data/{name}"} for name in NAMES}


def test_these_are_entries_that_a_completion_reads_and_writes():
    pipeline = create_pipeline()
    assert set(NAMES) <= pipeline.inputs() | pipeline.all_outputs()


def config(**changes):
    return {
        "parameters": {"lam": 0.1},
        "catalog": CATALOG,
        "mlflow": {},
        "globals": {"data": "data"},
    } | changes


def completed(root, rejected=None, **changes):
    completion = RepeatedCompletion(root, config(**changes))
    with completion.recorded():
        results = completion.results
        results.mkdir(parents=True, exist_ok=True)
        (results / "photo.png").write_bytes(b"whole")
        report = json.dumps({"rejected": rejected or {}})
        (root / "data/completion_report").write_text(report)
    return completion


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"env": "demo", "params": {"lam": 1.0}, "conf_source": "conf"}, True),
        ({"node_names": ("plan_completion",)}, False),
        ({"tags": ["complete"]}, False),
        ({"only_missing_outputs": True}, False),
        ({"pipelines": ["complete", "sample"]}, False),
        ({"pipelines": None}, False),
    ],
)
def test_only_the_pipeline_as_a_whole_is_known_again(changes, expected):
    arguments = {"pipelines": ["complete"], "tags": [], "runner": None} | changes
    assert is_completion(arguments) is expected


def test_what_finished_is_not_begun_again(tmp_path):
    assert not RepeatedCompletion(tmp_path, config()).has_finished
    completed(tmp_path)
    assert RepeatedCompletion(tmp_path, config()).has_finished


def test_another_landmark_model_under_the_same_name_is_another_input(tmp_path):
    model = tmp_path / "my_68.dat"
    model.write_bytes(b"one")
    parameters = {"align": {"landmark_model": "my_68.dat"}}
    completed(tmp_path, parameters=parameters)
    assert RepeatedCompletion(tmp_path, config(parameters=parameters)).has_finished
    model.write_bytes(b"two")
    again = RepeatedCompletion(tmp_path, config(parameters=parameters))
    assert not again.has_finished


def test_blocks_in_another_order_are_the_same_settings(tmp_path):
    completed(tmp_path, parameters={"lam": 0.1, "seed": 1})
    again = config(parameters={"seed": 1, "lam": 0.1})
    assert RepeatedCompletion(tmp_path, again).has_finished


@pytest.mark.parametrize("reason", ["failed", "crashed", "out_of_memory"])
def test_photos_that_may_do_better_next_time_are_begun_again(tmp_path, reason):
    completed(tmp_path, {"mask": 1, reason: 1})
    assert not RepeatedCompletion(tmp_path, config()).has_finished


def test_photos_that_would_be_rejected_again_are_not(tmp_path):
    completed(tmp_path, {"mask": 1, "no_face": 2})
    assert RepeatedCompletion(tmp_path, config()).has_finished


@pytest.mark.parametrize("part", ["parameters", "mlflow"])
def test_other_settings_are_begun(tmp_path, part):
    completed(tmp_path)
    other = config(**{part: {"lam": 0.2}})
    assert not RepeatedCompletion(tmp_path, other).has_finished


def test_a_new_model_is_begun(tmp_path):
    completed(tmp_path)
    (tmp_path / "data/generator").write_bytes(b"trained")
    assert not RepeatedCompletion(tmp_path, config()).has_finished


def test_a_photo_that_comes_while_others_are_completed_is_begun(tmp_path):
    completion = RepeatedCompletion(tmp_path, config())
    with completion.recorded():
        (tmp_path / "data/incomplete_photos").mkdir(parents=True)
        (tmp_path / "data/incomplete_photos/late.jpg").touch()
        (tmp_path / "data/completion_report").write_text('{"rejected": {}}')
    assert not completion.has_finished


def test_what_failed_is_begun(tmp_path):
    completed(tmp_path)
    with (
        pytest.raises(ZeroDivisionError),
        RepeatedCompletion(tmp_path, config(parameters={"lam": 3.0})).recorded(),
    ):
        raise ZeroDivisionError
    other = config(parameters={"lam": 3.0})
    assert not RepeatedCompletion(tmp_path, other).has_finished


def test_results_that_lie_elsewhere_are_made_again(tmp_path):
    report = {"completion_report": {"filepath": "s3://bucket/completion.json"}}
    completion = completed(tmp_path, catalog=CATALOG | report)
    assert not completion.has_finished


def test_a_file_that_may_not_be_read_is_left_to_the_run(tmp_path, monkeypatch):
    def read(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "data/incomplete_photos").mkdir(parents=True)
    (tmp_path / "data/incomplete_photos/photo.jpg").touch()
    monkeypatch.setattr("facefill.runtime.finished_run.file_sha256", read)
    completion = completed(tmp_path)
    assert (completion.results / "photo.png").is_file()
    assert not completion.has_finished


def test_results_with_versions_are_made_again(tmp_path):
    report = {"filepath": "data/completion_report", "versioned": True}
    catalog = CATALOG | {"completion_report": report}
    completion = completed(tmp_path, catalog=catalog)
    assert not completion.has_finished
