"""Locks that keep two runs from the same stage of the same data.

Who has a lock is the only one to write the files of its stages, and clears away what a
killed run has left half written of them.
"""

from contextlib import ExitStack
from pathlib import Path

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from facefill.datasets.local import LocalFileDataset
from facefill.datasets.whole_files import WholeFile
from facefill.runtime.locks import exclusive


class LockHooks:
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
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Lock every stage of the run, and remove litter of the files that it writes.

        Raises:
            BusyError: If another run is at one of them.
        """
        # What a run in this process held that failed before its first stage.
        self._held.close()
        names = [node.name for node in pipeline.nodes]
        self._held.enter_context(exclusive(self._folder, names))
        outputs = pipeline.all_outputs()
        for name, dataset in catalog.items():
            if name not in outputs:
                continue
            if isinstance(dataset, (LocalFileDataset, WholeFile)):
                dataset.remove_litter()

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Let others go on."""
        self._held.close()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Let others go on."""
        self._held.close()
