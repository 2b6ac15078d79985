"""MLflow tracking beyond kedro-mlflow: store, origin, artifacts, errors."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from facefill.hooks.models import models_used
from facefill.runtime import tracking
from facefill.runtime.tracking_store import prepare_store

log = logging.getLogger(__name__)


class TrackingHooks:
    """Prepares the store, describes runs, and logs artifacts and errors.

    kedro-mlflow starts and ends the runs; see ``facefill.runtime.tracking``.
    """

    def __init__(self) -> None:
        """Start without a run."""
        self._context: KedroContext | None = None
        self._catalog: DataCatalog | None = None

    @hook_impl(wrapper=True)
    def after_context_created(
        self, context: KedroContext
    ) -> Generator[None, object, object]:
        """Prepare what kedro-mlflow reads, and let one process at a time set it up.

        Two first runs at once would both create the tables of the store, and fail.
        """
        self._context = context
        store = _anchor_store(context)
        _leave_parameters_to_us()
        with _locked(context):
            if store:
                prepare_store(store)
            return (yield)

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Describe the run that kedro-mlflow has just started."""
        self._catalog = catalog
        if self._context:
            parameters = self._context.config_loader["parameters"]
            _track(tracking.describe_run, self._context.project_path, parameters)
        for dataset in models_used(pipeline, catalog).values():
            _track(tracking.describe_model, dataset.source)
        _track(tracking.end_dead_runs)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Keep what is saved as an artifact, if the catalog says so.

        The folder of the artifacts is ``mlflow`` in the dataset's metadata.
        """
        dataset = self._catalog.get(dataset_name) if self._catalog else None
        folder = (getattr(dataset, "metadata", None) or {}).get("mlflow")
        path = getattr(dataset, "path", None) or getattr(dataset, "_filepath", None)
        if folder and path:
            _track(tracking.log_files, folder, Path(path), data)

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """Tag the run with the error before kedro-mlflow ends it as failed."""
        _track(tracking.describe_error, error)


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
    try:
        record(*arguments)
    except Exception as error:  # whatever fails, the work goes on
        log.warning("MLflow does not have all of this run: %s", error)


def _anchor_store(context: KedroContext) -> Path | None:
    """Put a relative SQLite file into the project, wherever the command is typed.

    SQLite alone would put it into the current directory.

    Returns:
        The file, or None if runs are tracked elsewhere.
    """
    try:
        config = context.config_loader["mlflow"]
    except MissingConfigException:
        return None
    server = config.setdefault("server", {})
    scheme, _, name = (server.get("mlflow_tracking_uri") or "").partition(":///")
    store = context.project_path / name if scheme == "sqlite" else None
    if store:
        server["mlflow_tracking_uri"] = f"sqlite:///{store}"
    context.config_loader["mlflow"] = config
    return store


def _leave_parameters_to_us() -> None:
    """Keep kedro-mlflow from logging blocks of parameters as single texts.

    It flattens dictionaries only, and nodes get models. All parameters are logged
    by ``tracking.describe_run``.
    """
    from kedro_mlflow.framework.hooks.mlflow_hook import mlflow_hook

    mlflow_hook._log_param = lambda name, value: None
