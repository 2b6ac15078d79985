"""What MLflow is told of a run: origin, parameters, data, files and a summary.

Every function speaks of the active run; ``facefill.hooks.tracking`` calls them, and
sees to it that none of them stops the work.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facefill.errors import find_cause
from facefill.runtime.batching import groups
from facefill.runtime.run_description import (
    RunDescription,
    parameters_of,
    without_addresses,
)
from facefill.runtime.tracking import PROCESS_TAG, flatten, process_mark

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import RunInfo
    from plotly.graph_objects import Figure

MAX_PARAMETERS_PER_CALL = 100  # MLflow refuses more.
MAX_TAG_LENGTH = 5000  # The same.
DIGEST_LENGTH = 8  # As long as MLflow's own.
PARAMETERS_FILE = "parameters.yml"
MODEL_TAG = "facefill.model"
CHECKPOINTS_TAG = "facefill.checkpoints"
CONTINUES_TAG = "facefill.continues"
DESCRIPTION_TAG = "mlflow.note.content"
NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"

# Empty experiments are in nobody's way but MLflow's first, which it makes by itself.
DEFAULT_EXPERIMENT_ID = "0"


def describe_run(
    project: Path, description: RunDescription, inputs: Iterable[str], sources: set[str]
) -> None:
    """Record where the active run comes from: command, commit, process, parameters.

    The parameters that its pipeline reads are MLflow's, with dots between the names of
    blocks; all of them are in the artifact ``PARAMETERS_FILE``.

    Args:
        project: Root of the project.
        description: What is known before the first stage.
        inputs: Of the pipeline.
        sources: Where the networks that it reads come from; empty if it reads none.
    """
    import mlflow

    run = mlflow.get_run(active_run_info().run_id)
    tags = without_addresses(run.data.tags)
    if description.command:
        tags["kedro_command"] = description.command[:MAX_TAG_LENGTH]
    if commit := _git_commit(project):
        tags["mlflow.source.git.commit"] = commit
    if sources:
        tags[MODEL_TAG] = ", ".join(sorted(sources))
    tags[PROCESS_TAG] = process_mark(os.getpid())
    mlflow.set_tags(tags)
    # Without it MLflow's pages take the experiment for one on language models.
    mlflow.set_experiment_tag("mlflow.experimentKind", "custom_model_development")
    values = parameters_of(inputs, description.parameters, reads_models=bool(sources))
    for pairs in groups(flatten(values).items(), MAX_PARAMETERS_PER_CALL):
        mlflow.log_params(dict(pairs))
    mlflow.log_dict(dict(description.parameters), PARAMETERS_FILE)


def describe_error(error: BaseException) -> None:
    """Tag the active run with what made it fail."""
    import mlflow

    cause = find_cause(error) or error
    text = f"{type(cause).__name__}: {cause}"
    mlflow.set_tag("error", text[:MAX_TAG_LENGTH])


def active_run_info() -> "RunInfo":
    """MLflow's record of the active run."""
    import mlflow

    run = mlflow.active_run()
    assert run is not None  # the caller has looked
    return run.info


def describe_result(description: RunDescription, *, keep_name: bool) -> None:
    """Name the active run by what it did, and summarise it on its page.

    Args:
        description: What is known of it.
        keep_name: Whether the user has named it.
    """
    import mlflow

    summary = description.markdown(active_run_info().run_id)
    tags = {DESCRIPTION_TAG: summary[:MAX_TAG_LENGTH]}
    mlflow.set_tags(tags if keep_name else tags | {NAME_TAG: description.name()})


def log_files(folder: str, files: Mapping[str, Path]) -> None:
    """Copy files that a dataset has just saved to the active run's artifacts.

    Args:
        folder: Folder of the artifacts.
        files: By their names below it.
    """
    import mlflow

    for name, path in files.items():
        mlflow.log_artifact(str(path), Path(folder, name).parent.as_posix())


def log_table(path: str, data: "pd.DataFrame | Mapping[str, Any]") -> None:
    """Show rows as a table on the page of the active run.

    Args:
        path: Of the artifact, ``.json``.
        data: The table, or a report that has it as ``rows``.
    """
    import mlflow
    import pandas as pd

    table = pd.DataFrame(data["rows"]) if isinstance(data, Mapping) else data
    mlflow.log_table(table, path)


def log_page(path: str, figure: "Figure") -> None:
    """Keep a figure as a page that opens without a network.

    Args:
        path: Of the artifact, ``.html``.
        figure: Of plotly.
    """
    import mlflow

    mlflow.log_text(figure.to_html(include_plotlyjs=True), path)


def log_faces(path: Path, images: tuple[int, ...], digest: str, use: str) -> None:
    """Name the faces that the active run reads as its input.

    Args:
        path: Where they are.
        images: Shape of all of them, (faces, height, width, 3).
        digest: Of their pixels.
        use: What for, such as ``training``.
    """
    import mlflow
    from mlflow.entities import Dataset, DatasetInput, InputTag

    count, height, width, channels = images
    shape = {"dtype": "uint8", "shape": [-1, height, width, channels]}
    dataset = Dataset(
        name=f"{count} faces",
        digest=digest[:DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": path.absolute().as_uri()}),
        schema=json.dumps({"mlflow_tensorspec": {"features": shape}}),
        profile=json.dumps({"num_faces": count, "image_size": width}),
    )
    used = DatasetInput(dataset, [InputTag("mlflow.data.context", use)])
    mlflow.MlflowClient().log_inputs(active_run_info().run_id, [used])


def continue_run(checkpoints: Path, description: RunDescription) -> None:
    """Name the run whose training the active run goes on with.

    It is a child of a run that was cut short. One that ended well stays beside it:
    MLflow's list hides children until their parent is opened, and what was run last
    would be out of sight. A run cannot be continued itself: MLflow refuses other values
    of its parameters, and ``max_steps`` is what is usually raised.

    Args:
        checkpoints: Folder of the checkpoints, by which that run is found; without
            any, the training begins anew.
        description: Of the active run; gets a link to that run.
    """
    import mlflow

    folder = checkpoints.absolute().as_posix()
    earlier = mlflow.MlflowClient().search_runs(
        [active_run_info().experiment_id],
        f'tags."{CHECKPOINTS_TAG}" = "{folder}"',
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    tags = {CHECKPOINTS_TAG: folder}
    if earlier and any(checkpoints.glob("*.npz")):
        (last,) = earlier
        page = f"#/experiments/{last.info.experiment_id}/runs/{last.info.run_id}"
        description.continues = f"[{last.info.run_name}]({page})"
        tags[CONTINUES_TAG] = last.info.run_id
        if last.info.status != "FINISHED":
            tags[PARENT_TAG] = last.data.tags.get(PARENT_TAG, last.info.run_id)
    mlflow.set_tags(tags)


def drop_default_experiment(name: str) -> None:
    """Hide the experiment that MLflow makes by itself, if nothing is in it.

    Args:
        name: Of the experiment that the runs go to.
    """
    import mlflow

    client = mlflow.MlflowClient()
    default = client.get_experiment(DEFAULT_EXPERIMENT_ID)
    if default.name == name or default.lifecycle_stage != "active":
        return
    if not client.search_runs([DEFAULT_EXPERIMENT_ID], max_results=1):
        client.delete_experiment(DEFAULT_EXPERIMENT_ID)


def _git_commit(project: Path) -> str:
    try:
        finished = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  # whichever git the user has
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # no git on this machine
        return ""
    return finished.stdout.strip() if finished.returncode == 0 else ""
