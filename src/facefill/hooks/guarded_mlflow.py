"""kedro-mlflow's hooks, of which none ends a run that has begun.

As they are, a server that is killed while photos are completed costs minutes, then a
traceback and the exit code of a failure, though all results are there. Kedro registers
these in their place (``DISABLE_HOOKS_FOR_PLUGINS`` in ``facefill.settings``).
"""

import logging
from typing import TYPE_CHECKING, Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic import ValidationError

from facefill.errors import ParameterError, TrackingError
from facefill.runtime.tracking_guard import GUARD, leave_end_out, reason

if TYPE_CHECKING:
    from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook


class GuardedMlflowHooks:
    """Starts and ends runs in MLflow, as kedro-mlflow does.

    What keeps a run from being tracked at all is an error before any work; what fails
    later is a warning.
    """

    def __init__(self) -> None:
        """Import nothing yet: MLflow takes seconds."""
        self._hooks: MlflowHook | None = None

    @property
    def _theirs(self) -> "MlflowHook":
        if self._hooks is None:
            from kedro_mlflow.framework.hooks.mlflow_hook import MlflowHook

            self._hooks = MlflowHook()
            # It logs a page, with SQL, for what it raises besides.
            logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
            # It flattens dictionaries only, and nodes get models. Parameters are
            # logged by ``tracked_run.describe_run``.
            self._hooks._log_param = lambda name, value: None
        return self._hooks

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Set MLflow up, and find or make the experiment.

        Raises:
            TrackingError: If MLflow cannot be used.
            ParameterError: If an option in mlflow.yml is unknown or has a wrong value.
        """
        GUARD.reset()
        try:
            self._theirs.after_context_created(context)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise ParameterError(f"mlflow.yml: {key}: {first['msg']}") from error
        except _failures() as error:
            raise _unusable(error) from error

    @hook_impl
    def after_catalog_created(
        self,
        catalog: DataCatalog,
        conf_catalog: dict[str, Any],
        conf_creds: dict[str, Any],
        parameters: dict[str, Any],
        save_version: str,
        load_versions: str,
    ) -> None:
        """Prepare datasets that are logged."""
        self._theirs.after_catalog_created(
            catalog, conf_catalog, conf_creds, parameters, save_version, load_versions
        )

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Start the run.

        Raises:
            TrackingError: If MLflow cannot be used.
        """
        try:
            GUARD.call(self._theirs.before_pipeline_run, run_params, pipeline, catalog)
        except _failures() as error:
            raise _unusable(error) from error

    @hook_impl
    def before_node_run(
        self,
        node: Node,
        catalog: DataCatalog,
        inputs: dict[str, Any],
        is_async: bool,
    ) -> None:
        """Open the run in the thread of the node."""
        GUARD.attempt(self._theirs.before_node_run, node, catalog, inputs, is_async)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """End the run."""
        _end(self._theirs.after_pipeline_run, run_params, pipeline, catalog)

    @hook_impl
    def on_pipeline_error(
        self,
        error: Exception,
        run_params: dict[str, Any],
        pipeline: Pipeline,
        catalog: DataCatalog,
    ) -> None:
        """End the run as failed."""
        _end(self._theirs.on_pipeline_error, error, run_params, pipeline, catalog)


def _end(end: Any, *arguments: object) -> None:
    if not GUARD.attempt(end, *arguments):
        leave_end_out()


def _failures() -> tuple[type[Exception], ...]:
    """What MLflow raises if its store cannot be used, whichever kind it is."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, OSError, TrackingError)


def _unusable(error: BaseException) -> TrackingError:
    import mlflow

    return TrackingError(
        f"MLflow cannot be used at {mlflow.get_tracking_uri()} ({reason(error)}); make "
        "it work, or name another place as server.mlflow_tracking_uri in "
        "conf/local/mlflow.yml"
    )
