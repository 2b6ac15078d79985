"""What happens around every run: parameters checked, stages named, all tracked."""

import fcntl
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from facefill import tracking
from facefill.cluster import this_cluster
from facefill.datasets import KerasModelDataset
from facefill.exclusion import exclusive
from facefill.model_choice import Source, choose_source, require_start
from facefill.tracking_store import prepare_store
from facefill.validation import resolve

log = logging.getLogger(__name__)


class ParameterHooks:
    """Checks all parameters before any work and fills in the defaults."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Replace what YAML and ``--params`` say by the complete parameters.

        Raises:
            ParameterError: If a name is unknown or a value is refused.
        """
        loader = context.config_loader
        loader["parameters"] = resolve(loader["parameters"]).model_dump()


class InputHooks:
    """Decides before any work which models the run uses, and that they are there."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Let the models come from where the parameter ``model`` says.

        Models that the run itself trains are there when they are needed.

        Raises:
            ModelError: If a model is needed, or named to start from, and there is
                none.
            TrainingError: If a cluster is to train, and this process is in none.
        """
        _leave_memory_of_gpus()
        if "params:train" in pipeline.inputs():
            training = catalog.load("params:train")
            require_start(training.start_from)
            if training.distribute == "multi_worker":
                this_cluster()
        models = _models_used(pipeline, catalog)
        if not models:
            return
        choice = catalog.load("params:model")
        if choice != "pretrained" and set(models) <= pipeline.all_outputs():
            source: Source = "trained"
        else:
            paths = [dataset.path for dataset in models.values()]
            image_size = catalog.load("params:image_size")
            source = choose_source(choice, paths, image_size)
        log.info("Using the %s model", source)
        for dataset in models.values():
            dataset.source = source


def _leave_memory_of_gpus() -> None:
    """Let TensorFlow and JAX take memory of a GPU as they need it, not all at once.

    It has to be said before the first model is loaded.
    """
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def _models_used(
    pipeline: Pipeline, catalog: DataCatalog
) -> dict[str, KerasModelDataset]:
    """Find the models among what the nodes of a run read, by their entries."""
    names = sorted({name for node in pipeline.nodes for name in node.inputs})
    datasets = {name: catalog.get(name) for name in names}
    return {
        name: dataset
        for name, dataset in datasets.items()
        if isinstance(dataset, KerasModelDataset)
    }


class ExclusionHooks:
    """Keeps two runs from being at the same stage of the same data at once.

    What shares no stage may run side by side, such as completing while training.
    """

    def __init__(self) -> None:
        """Start without locks."""
        self._folder = Path()
        self._held = ExitStack()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Find the data folder of the environment."""
        data = context.config_loader["globals"]["data"]
        self._folder = Path(context.project_path) / data / ".locks"

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Lock every stage of the run.

        Raises:
            BusyError: If another run is at one of them.
        """
        # What a run in this process held that failed before its first stage.
        self._held.close()
        names = [node.name for node in pipeline.nodes]
        self._held.enter_context(exclusive(self._folder, names))

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Let others go on."""
        self._held.close()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Let others go on."""
        self._held.close()


class StageHooks:
    """Logs one line a stage."""

    def __init__(self) -> None:
        """Start with nothing to count."""
        self._total = 0
        self._started = 0
        self._start_s = 0.0

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Count the stages."""
        self._total, self._started = len(pipeline.nodes), 0
        self._start_s = time.monotonic()

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Say which stage begins."""
        self._started += 1
        log.info("[%d/%d] %s", self._started, self._total, node.name)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Say how long all of them took."""
        log.info("Finished in %.0f s", time.monotonic() - self._start_s)


class TrackingHooks:
    """Adds to kedro-mlflow what it lacks: see ``facefill.tracking``."""

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
        _prepare_mlflow_page()
        _measure_the_machine()
        _leave_parameters_to_us()
        with _locked(context.project_path):
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
        for dataset in _models_used(pipeline, catalog).values():
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
def _locked(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder; it ends with the process at the latest."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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


def _prepare_mlflow_page() -> None:
    """Let ``kedro mlflow ui`` start, and with no more processes than it needs.

    It starts ``mlflow`` by name, which an environment that is not activated does
    not find. The page for one person needs one worker and no background jobs:
    3 processes instead of 16, 0.7 GB of memory instead of 2.4.
    """
    if shutil.which("mlflow") is None:
        folder = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.environ.setdefault("MLFLOW_WORKERS", "1")


def _measure_the_machine() -> None:
    """Let MLflow record processor, memory, disk, network and GPUs every ten seconds.

    Whoever has set its variable to false keeps it so.
    """
    os.environ.setdefault("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")


def _leave_parameters_to_us() -> None:
    """Keep kedro-mlflow from logging blocks of parameters as single texts.

    It flattens dictionaries only, and nodes get models. All parameters are logged
    by ``tracking.describe_run``.
    """
    from kedro_mlflow.framework.hooks.mlflow_hook import mlflow_hook

    mlflow_hook._log_param = lambda name, value: None
