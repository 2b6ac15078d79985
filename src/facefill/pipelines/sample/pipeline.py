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
                inputs=[
                    "generator",
                    "training_grids",
                    "params:sample",
                    "params:image_size",
                    "params:seed",
                ],
                outputs="samples",
                name="sample_generator",
            )
        ]
    )
