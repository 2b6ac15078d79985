"""Wiring of ``kedro run --pipeline=import_checkpoint``."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines.import_checkpoint import nodes


def create_pipeline(**_: Any) -> Pipeline:
    """Make the models of a checkpoint those that complete; no part of ``kedro run``."""
    return Pipeline(
        [
            Node(
                func=nodes.import_models,
                inputs="params:import_checkpoint",
                outputs=["generator", "discriminator", "import_report"],
                name="import_models",
            )
        ],
        tags="import_checkpoint",
    )
