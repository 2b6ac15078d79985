"""What MLflow is told of a run is what it says, in a store of its own."""

import json

import pandas as pd
import pytest

from facefill.runtime import tracked_run
from facefill.runtime.run_description import RunDescription
from facefill.runtime.tracking_store import prepare_store

# MLflow's own tables warn when SQLAlchemy sets them up.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tracked")
    prepare_store(path / "mlflow.db")
    return path


@pytest.fixture
def mlflow(folder, monkeypatch):
    """MLflow with a run, in an experiment of its own."""
    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    if mlflow.get_experiment_by_name("mine") is None:
        mlflow.create_experiment("mine", (folder / "artifacts").as_uri())
    mlflow.set_experiment("mine")
    with mlflow.start_run():
        yield mlflow
    mlflow.set_tracking_uri(before)


def tags(mlflow, run_id=None):
    return mlflow.get_run(run_id or mlflow.active_run().info.run_id).data.tags


def content(mlflow, path):
    run_id = mlflow.active_run().info.run_id
    return mlflow.artifacts.load_text(f"runs:/{run_id}/{path}")


def test_a_run_has_its_parameters_and_all_others_in_a_file(mlflow, tmp_path):
    parameters = {"lam": 0.1, "train": {"max_steps": 5}, "sample": {"count": 9}}
    run = RunDescription(["train"], parameters, "kedro run --pipeline=train")
    mlflow.set_tag("runner", "<kedro.Runner object at 0x7f00>")
    tracked_run.describe_run(tmp_path, run, {"params:train", "photos"}, set())

    logged = mlflow.get_run(mlflow.active_run().info.run_id).data
    assert logged.params == {"train.max_steps": "5"}
    assert logged.tags["kedro_command"] == "kedro run --pipeline=train"
    assert logged.tags["runner"] == "Runner"
    assert tracked_run.MODEL_TAG not in logged.tags
    assert "count: 9" in content(mlflow, "parameters.yml")


@pytest.mark.parametrize("keep_name", [True, False])
def test_a_name_that_the_user_gave_stays(mlflow, keep_name):
    mlflow.set_tag("mlflow.runName", "mine")
    run = RunDescription(["sample"], {"sample": {"count": 9}}, "kedro run")
    tracked_run.describe_result(run, keep_name=keep_name)

    assert tags(mlflow)["mlflow.runName"] == ("mine" if keep_name else "sample 9")
    assert tags(mlflow)["mlflow.note.content"] == "`kedro run`"


@pytest.mark.parametrize(
    "data", [pd.DataFrame({"mask": ["left"]}), {"rows": [{"mask": "left"}], "faces": 1}]
)
def test_rows_are_a_table_on_the_page(mlflow, data):
    tracked_run.log_table("tables/x.json", data)

    table = json.loads(content(mlflow, "tables/x.json"))
    assert table == {"columns": ["mask"], "data": [["left"]]}
    assert "tables/x.json" in tags(mlflow)["mlflow.loggedArtifacts"]


def test_a_figure_is_a_page_that_needs_no_network(mlflow):
    from plotly.graph_objects import Figure, Scatter

    tracked_run.log_page("x.html", Figure(Scatter(y=[1, 2])))

    page = content(mlflow, "x.html")
    assert "plotly.js v" in page
    assert 'src="http' not in page


def test_faces_are_an_input_with_their_digest(mlflow, tmp_path):
    tracked_run.log_faces(tmp_path, (30, 64, 64, 3), "0123456789abcdef", "training")

    run = mlflow.get_run(mlflow.active_run().info.run_id)
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("30 faces", "01234567")
    assert json.loads(used.dataset.profile) == {"num_faces": 30, "image_size": 64}
    assert used.tags[0].value == "training"


def begin(mlflow, checkpoints, status="FINISHED"):
    """Make a run that trains, and end it; give its tags and its description."""
    description = RunDescription([], {})
    run = mlflow.start_run(nested=True)
    mlflow.MlflowClient().delete_tag(run.info.run_id, tracked_run.PARENT_TAG)
    tracked_run.continue_run(checkpoints, description)
    mlflow.end_run(status)
    return run.info.run_id, tags(mlflow, run.info.run_id), description


def test_a_training_that_goes_on_is_a_child_of_the_run_that_was_cut_short(
    mlflow, tmp_path
):
    first, of_first, _ = begin(mlflow, tmp_path, "KILLED")
    (tmp_path / "step-00000001-0.npz").touch()
    second, of_second, description = begin(mlflow, tmp_path, "FAILED")
    _, of_third, _ = begin(mlflow, tmp_path)

    assert tracked_run.PARENT_TAG not in of_first
    assert of_second[tracked_run.PARENT_TAG] == first
    assert of_second[tracked_run.CONTINUES_TAG] == first
    assert f"runs/{first})" in description.markdown("x")
    # All in one group, and each names the one before it.
    assert of_third[tracked_run.PARENT_TAG] == first
    assert of_third[tracked_run.CONTINUES_TAG] == second


def test_a_run_that_ended_well_does_not_hide_the_one_after_it(mlflow, tmp_path):
    (tmp_path / "step-00000001-0.npz").touch()
    first, _, _ = begin(mlflow, tmp_path)
    _, of_second, _ = begin(mlflow, tmp_path)

    assert of_second[tracked_run.CONTINUES_TAG] == first
    assert tracked_run.PARENT_TAG not in of_second


def test_a_training_in_an_empty_folder_begins_anew(mlflow, tmp_path):
    begin(mlflow, tmp_path, "KILLED")
    _, of_second, _ = begin(mlflow, tmp_path)

    assert tracked_run.PARENT_TAG not in of_second
    assert tracked_run.CONTINUES_TAG not in of_second


def test_mlflows_own_experiment_goes_if_nothing_is_in_it(mlflow):
    def names():
        return {experiment.name for experiment in mlflow.search_experiments()}

    client = mlflow.MlflowClient()
    tracked_run.drop_default_experiment("Default")
    run = client.create_run("0")
    tracked_run.drop_default_experiment("mine")
    assert names() == {"Default", "mine"}
    client.delete_run(run.info.run_id)
    tracked_run.drop_default_experiment("mine")
    assert names() == {"mine"}
    tracked_run.drop_default_experiment("mine")
