"""Wiring of ``kedro run --pipeline=sample``."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines.sample import nodes


def create_pipeline(**_: Any) -> Pipeline:
    """Draw everything that shows what the generator has learned."""
    return Pipeline(
        [
            Node(
                func=nodes.sample_generator,
                inputs={
                    "generator": "generator",
                    "training_grids": "training_grids",
                    "records": "params:sample_records.folder",
                    "options": "params:sample",
                    "image_size": "params:image_size",
                    "seed": "params:seed",
                },
                outputs=["sample_records", "samples"],
                name="sample_generator",
            )
        ],
        tags="sample",
    )
