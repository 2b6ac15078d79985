"""Wiring of ``kedro run --pipeline=complete``.

The last output of a node is saved last: where it exists, the others do.
"""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines import prepare
from facefill.pipelines.complete import nodes


def create_pipeline(**_: Any) -> Pipeline:
    """Prepare the damaged photos as those of training were, then complete them.

    The plan decides the mask of each photo, and its preview is there to look at before
    the search begins.
    """
    finding = Node(
        func=nodes.find_holes,
        inputs=["photo_manifest", "masks", "hints", "params:complete"],
        outputs="hole_manifest",
        name="find_holes",
        tags="complete",
    )
    preparation = Pipeline(
        prepare.create_ingestion()
        + Pipeline([finding])
        + prepare.create_damaged_alignment(),
        namespace="incomplete",
        inputs={"photos": "incomplete_photos", "masks": "masks", "hints": "hints"},
        outputs={"hole_manifest": "hole_manifest"},
        parameters={"ingest", "align", "complete", "image_size"},
    )
    return preparation + Pipeline(
        [
            Node(
                func=nodes.plan_completion,
                inputs={
                    "alignment": "incomplete.alignment_manifest",
                    "holes": "hole_manifest",
                    "photos": "incomplete_photos",
                    "limits": "params:ingest",
                    "mask_files": "masks",
                    "faces": "incomplete.aligned_faces",
                    "options": "params:complete",
                    "mask": "params:mask",
                    "image_size": "params:image_size",
                    "seed": "params:seed",
                },
                outputs=["completion_preview", "completion_plan"],
                name="plan_completion",
            ),
            Node(
                func=nodes.complete_photos,
                inputs={
                    "plan": "completion_plan",
                    "photos": "incomplete_photos",
                    "mask_files": "masks",
                    "faces": "incomplete.aligned_faces",
                    "output": "params:completions.folder",
                    "records": "params:completion_records.folder",
                    "generator": "generator",
                    "discriminator": "discriminator",
                    "statistics": "face_statistics",
                    "encoder": "encoder",
                    "refiner": "refiner",
                    "options": "params:complete",
                    "limits": "params:ingest",
                    "lam": "params:lam",
                    "seed": "params:seed",
                },
                outputs=[
                    "completions",
                    "completion_records",
                    "completion_pictures",
                    "completion_report",
                    "completion_table",
                ],
                name="complete_photos",
            ),
        ],
        tags="complete",
    )
