"""Wiring of ``kedro run --pipeline=evaluate``."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines.evaluate import nodes


def create_pipeline(**_: Any) -> Pipeline:
    """Complete held-out faces and compare with baselines."""
    return Pipeline(
        [
            Node(
                func=nodes.evaluate_completion,
                inputs={
                    "photos": "photos",
                    "training_set": "training_set",
                    "generator": "generator",
                    "discriminator": "discriminator",
                    "statistics": "face_statistics",
                    "encoder": "encoder",
                    "refiner": "refiner",
                    "records": "params:evaluation_records.folder",
                    "alignment": "params:align",
                    "options": "params:evaluate",
                    "completion": "params:complete",
                    "lam": "params:lam",
                    "seed": "params:seed",
                },
                outputs=[
                    "evaluation_records",
                    "evaluation_table",
                    "evaluation_report",
                    "evaluation_figures",
                ],
                name="evaluate_completion",
            )
        ],
        tags="evaluate",
    )
