"""Wiring of ``kedro run --pipeline=evaluate``."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines.evaluate import nodes


def create_pipeline(**_: Any) -> Pipeline:
    """Complete held-out faces, compare with baselines, and report on all there is."""
    return Pipeline(
        [
            Node(
                func=nodes.evaluate_completion,
                inputs={
                    "photos": "photos",
                    "limits": "params:ingest",
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
            ),
            Node(
                func=nodes.write_html_report,
                inputs={
                    "evaluation": "evaluation_report",
                    "figures": "evaluation_figures",
                    "training": "training_report",
                    "samples": "samples",
                    "table": "completion_table",
                    "completions": "completions",
                    "photos": "incomplete_photos",
                    "training_set": "training_set",
                    "alignment": "params:align",
                    "options": "params:evaluate",
                    "completion": "params:complete",
                    "train": "params:train",
                    "image_size": "params:image_size",
                    "lam": "params:lam",
                    "seed": "params:seed",
                },
                outputs="html_report",
                name="write_html_report",
            ),
        ],
        tags="evaluate",
    )
