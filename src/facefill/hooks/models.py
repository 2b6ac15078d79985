"""Choice between trained and pretrained networks, made before any work."""

import logging

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from facefill.datasets import KerasModelDataset
from facefill.models.sources import ModelSelection, require_start
from facefill.training.cluster import this_cluster

log = logging.getLogger(__name__)


class ModelHooks:
    """Selects the networks of a run, and checks that they exist."""

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog) -> None:
        """Let the catalog load the networks that the parameter ``model`` selects.

        This holds in a notebook, too.
        """
        models = [
            dataset
            for _, dataset in catalog.items()
            if isinstance(dataset, KerasModelDataset) and dataset.pretrained
        ]
        if not models:
            return
        selection = ModelSelection(
            catalog.load("params:model"),
            [dataset.path for dataset in models],
            catalog.load("params:image_size"),
        )
        for dataset in models:
            dataset.follow(selection)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Select the networks once for the run.

        Networks that the run itself trains exist when they are needed.

        Raises:
            ModelError: If a network is needed, or named to start from, and there is
                none.
            TrainingError: If a cluster is to train, and this process is in none.
        """
        if "params:train" in pipeline.inputs():
            training = catalog.load("params:train")
            require_start(training.start_from)
            if training.distribute == "multi_worker":
                this_cluster()
        models = models_used(pipeline, catalog)
        paths = [dataset.path for dataset in models.values()]
        are_trained = set(models) <= pipeline.all_outputs()
        for selection in {dataset.selection for dataset in models.values()}:
            source = selection.decide(paths, are_trained=are_trained)
            log.info("Using the %s model", source)


def models_used(
    pipeline: Pipeline, catalog: DataCatalog
) -> dict[str, KerasModelDataset]:
    """Find the networks that the nodes of a run read, by their catalog entries.

    Of those that the parameter ``model`` chooses.
    """
    names = sorted({name for node in pipeline.nodes for name in node.inputs})
    datasets = {name: catalog.get(name) for name in names}
    return {
        name: dataset
        for name, dataset in datasets.items()
        if isinstance(dataset, KerasModelDataset) and dataset.pretrained
    }
