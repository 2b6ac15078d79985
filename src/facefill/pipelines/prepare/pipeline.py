"""Wiring of the pipeline ``prepare``.

The last output of a node is saved last: where it exists, the others do.
"""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines.prepare.nodes import (
    align_faces,
    draw_preparation,
    flatten_faces,
    ingest_photos,
    report_preparation,
    select_faces,
)


def create_preparation(**_: Any) -> Pipeline:
    """Ingest and align: shared by photos to train on and photos to complete.

    Example:
        The same nodes on other photos; datasets then have the prefix
        ``incomplete.``, such as ``incomplete.alignment_manifest``::

            Pipeline(
                create_preparation(),
                namespace="incomplete",
                inputs={"photos": "incomplete_photos"},
                parameters={"ingest", "align", "image_size"},
            )
    """
    return Pipeline(
        [
            Node(
                func=ingest_photos,
                inputs=[
                    "photos",
                    "params:photo_records.folder",
                    "params:ingest",
                    "params:align",
                ],
                outputs=["photo_records", "photo_manifest"],
                name="ingest_photos",
            ),
            Node(
                func=align_faces,
                inputs=[
                    "photos",
                    "photo_manifest",
                    "params:aligned_faces.folder",
                    "params:alignment_records.folder",
                    "params:align",
                    "params:image_size",
                ],
                outputs=["aligned_faces", "alignment_records", "alignment_manifest"],
                name="align_faces",
            ),
        ]
    )


def create_pipeline(**_: Any) -> Pipeline:
    """Photos to training set."""
    return create_preparation() + Pipeline(
        [
            Node(
                func=select_faces,
                inputs=[
                    "photo_manifest",
                    "alignment_manifest",
                    "aligned_faces",
                    "params:prepare",
                    "params:flatten",
                    "params:seed",
                ],
                outputs="face_selection",
                name="select_faces",
            ),
            Node(
                func=flatten_faces,
                inputs=[
                    "aligned_faces",
                    "face_selection",
                    "params:faces.folder",
                    "params:image_size",
                ],
                outputs=["faces", "training_set"],
                name="flatten_faces",
            ),
            Node(
                func=report_preparation,
                inputs=["photo_manifest", "alignment_manifest", "face_selection"],
                outputs="preparation_report",
                name="report_preparation",
            ),
            Node(
                func=draw_preparation,
                inputs=[
                    "alignment_manifest",
                    "photos",
                    "aligned_faces",
                    "params:ingest",
                ],
                outputs="preparation_figures",
                name="draw_preparation",
            ),
        ]
    )
