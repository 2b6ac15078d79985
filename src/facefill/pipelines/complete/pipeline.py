"""Wiring of ``kedro run --pipeline=complete``."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines import prepare
from facefill.pipelines.complete import nodes


def create_pipeline(**_: Any) -> Pipeline:
    """Prepare the damaged photos as those of training were, then complete them.

    What is going to be completed is there to look at before the search begins: the
    plan is what the search reads.
    """
    preparation = Pipeline(
        prepare.create_preparation(),
        namespace="incomplete",
        inputs={"photos": "incomplete_photos"},
        parameters={"ingest", "align", "image_size"},
    )
    return preparation + Pipeline(
        [
            Node(
                func=nodes.plan_completion,
                inputs={
                    "alignment": "incomplete.alignment_manifest",
                    "mask_files": "masks",
                    "faces": "incomplete.aligned_faces",
                    "options": "params:complete",
                    "mask": "params:mask",
                    "image_size": "params:image_size",
                    "seed": "params:seed",
                },
                outputs=["completion_plan", "completion_preview"],
                name="plan_completion",
            ),
            Node(
                func=nodes.complete_photos,
                inputs={
                    "alignment": "completion_plan",
                    "photos": "incomplete_photos",
                    "mask_files": "masks",
                    "faces": "incomplete.aligned_faces",
                    "output": "completions",
                    "records": "completion_records",
                    "generator": "generator",
                    "discriminator": "discriminator",
                    "statistics": "face_statistics",
                    "options": "params:complete",
                    "limits": "params:ingest",
                    "mask": "params:mask",
                    "lam": "params:lam",
                    "seed": "params:seed",
                },
                outputs=[
                    "completion_table",
                    "completion_pictures",
                    "completion_report",
                ],
                name="complete_photos",
            ),
        ]
    )
