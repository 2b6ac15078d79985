"""Which models a run uses is decided, and that they are there, before any work."""

import logging
import os

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from facefill.datasets import KerasModelDataset
from facefill.models.sources import Source, choose_source, require_start
from facefill.training.cluster import this_cluster

log = logging.getLogger(__name__)


class ModelHooks:
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
        models = models_used(pipeline, catalog)
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


def models_used(
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
