"""MLflow tracking beyond kedro-mlflow: store, origin, artifacts, summary, errors."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from filelock import FileLock
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from facefill.datasets import FaceArrayDataset
from facefill.hooks.models import models_used
from facefill.hooks.saved_files import saved_files
from facefill.preparation.face_set import fingerprint
from facefill.runtime import tracked_run, tracking, tracking_server
from facefill.runtime.run_description import RunDescription, typed_command
from facefill.runtime.tracking_guard import GUARD
from facefill.runtime.tracking_outbox import Outbox
from facefill.runtime.tracking_page import address
from facefill.runtime.tracking_server import TrackingServer
from facefill.runtime.tracking_store import prepare_store

log = logging.getLogger(__name__)

_PARTS = ("from_nodes", "to_nodes", "node_names", "from_inputs", "to_outputs", "tags")


class TrackingHooks:
    """Prepares the store, describes runs, and logs artifacts and errors.

    kedro-mlflow starts and ends the runs; see ``facefill.hooks.guarded_mlflow``.
    """

    def __init__(self) -> None:
        """Start without a run."""
        self._context: Any = None  # kedro-mlflow adds its options to it
        self._catalog: DataCatalog | None = None
        self._description = RunDescription([], {})
        self._trains = False

    @hook_impl(wrapper=True)
    def after_context_created(
        self, context: KedroContext
    ) -> Generator[None, object, object]:
        """Prepare what kedro-mlflow reads, and let one process at a time set it up.

        Two first runs at once would both create the tables of the store, and fail.
        """
        self._context = context
        store = _anchor_store(context)
        tracking_server.use(_server_of(context))
        with _locked(context):
            if store:
                prepare_store(store)
            result = yield
            if store:
                self._drop_default_experiment()
            return result

    @hook_impl(trylast=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Describe the run that kedro-mlflow has just started."""
        self._catalog = catalog
        if self._context is None:
            return
        self._description = RunDescription(
            list(run_params.get("pipeline_names") or []),
            self._context.config_loader["parameters"],
            typed_command(click.get_current_context(silent=True) is not None),
            is_part=any(run_params.get(part) for part in _PARTS),
        )
        sources = {each.source for each in models_used(pipeline, catalog).values()}
        project, inputs = self._context.project_path, pipeline.inputs()
        _track(tracked_run.describe_run, project, self._description, inputs, sources)
        self._trains = "checkpoints" in pipeline.all_outputs()
        if self._trains:
            folder = catalog.load("checkpoints")
            _track(tracked_run.continue_run, folder, self._description)
        _track(self._describe_result)
        if server := tracking_server.current():
            server.catch_up()
        _track(tracking.end_dead_runs)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any, node: Node) -> None:
        """Name the faces that a node reads as an input of the run.

        MLflow keeps the first use of an input: in a run that trains, training.
        """
        dataset = self._catalog.get(dataset_name) if self._catalog else None
        if isinstance(dataset, FaceArrayDataset):
            digest = fingerprint(data.images)
            use = "training" if self._trains else node.name.partition("_")[0]
            _track(tracked_run.log_faces, dataset.path, data.images.shape, digest, use)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Keep what is saved as an artifact, if the catalog says so.

        In the dataset's metadata, ``mlflow`` is the folder of the artifacts;
        ``mlflow_table`` and ``mlflow_page`` are artifacts that show it as a table, and
        a figure as a page.
        """
        dataset = self._catalog.get(dataset_name) if self._catalog else None
        metadata = getattr(dataset, "metadata", None) or {}
        if folder := metadata.get("mlflow"):
            _track(_log_saved, folder, dataset, data)
        if table := metadata.get("mlflow_table"):
            _track(tracked_run.log_table, table, data)
        if page := metadata.get("mlflow_page"):
            _track(tracked_run.log_page, page, data)
        self._description.take(dataset_name, folder or "", data)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """Say what was done and where it is to be seen, on the page and in the log."""
        for line in self._description.lines():
            log.info(line)
        _track(self._describe_result)
        _track(self._show_address)
        if tracking_server.current():
            tracking.end_runs("FINISHED")

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """Tag the run with the error before kedro-mlflow ends it as failed."""
        _track(tracked_run.describe_error, error)
        _track(self._describe_result)
        if tracking_server.current():
            tracking.end_runs("FAILED")

    def _drop_default_experiment(self) -> None:
        try:
            name = str(self._context.mlflow.tracking.experiment.name)
            tracked_run.drop_default_experiment(name)
        except Exception as error:  # it is only in the way
            log.debug("MLflow's own experiment stays: %s", error)

    def _describe_result(self) -> None:
        named = self._context is not None and self._context.mlflow.tracking.run.name
        tracked_run.describe_result(self._description, keep_name=bool(named))

    def _show_address(self) -> None:
        config = self._context.mlflow
        server, start = str(config.server.mlflow_tracking_uri), ""
        if not server.startswith("http"):
            server = f"http://{config.ui.host}:{config.ui.port}"
            start = "`kedro mlflow ui`, then "
        run = tracked_run.active_run_info()
        page = address(server, run.experiment_id, run.run_id)
        log.info("the run in MLflow: %s%s", start, page)


@contextmanager
def _locked(context: KedroContext) -> Iterator[None]:
    """Hold the lock of the tracking store.

    The operating system ends it with the process at the latest; the file stays.
    """
    data = context.config_loader["globals"]["data"]
    folder = Path(context.project_path) / data / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "mlflow"):
        yield


def _track(record: Callable[..., None], *arguments: object) -> None:
    if tracking.active_run_id() is None:  # switched off in mlflow.yml
        return
    GUARD.attempt(record, *arguments)


def _log_saved(folder: str, dataset: object, data: object) -> None:
    with saved_files(dataset, data) as files:
        tracked_run.log_files(folder, files)


def _anchor_store(context: KedroContext) -> Path | None:
    """Put a relative SQLite file into the project, wherever the command is typed.

    SQLite alone would put it into the current directory. A server keeps artifacts
    where it was told to: a folder of this machine would be out of the reach of
    whoever else looks at its pages.

    Returns:
        The file, or None if runs are tracked elsewhere.
    """
    try:
        config = context.config_loader["mlflow"]
    except MissingConfigException:
        return None
    server = config.setdefault("server", {})
    uri = server.get("mlflow_tracking_uri") or ""
    scheme, _, name = uri.partition(":///")
    store = context.project_path / name if scheme == "sqlite" else None
    if store:
        server["mlflow_tracking_uri"] = f"sqlite:///{store}"
    if uri.startswith(("http://", "https://")):
        experiment = config.get("tracking", {}).get("experiment", {})
        options = experiment.get("create_experiment_kwargs", {})
        if "://" not in (options.get("artifact_location") or "://"):
            del options["artifact_location"]
    context.config_loader["mlflow"] = config
    return store


def _server_of(context: KedroContext) -> TrackingServer | None:
    """Find the server that runs are tracked by, if it is one.

    Raises:
        TrackingError: If it does not answer.
    """
    try:
        config = context.config_loader["mlflow"]
    except MissingConfigException:
        return None
    uri = str(config.get("server", {}).get("mlflow_tracking_uri") or "")
    if not uri.startswith(("http://", "https://")):
        return None
    data = context.config_loader["globals"]["data"]
    outbox = Outbox(Path(context.project_path) / data / ".unsent")
    server = TrackingServer(uri, outbox)
    server.require()
    return server
