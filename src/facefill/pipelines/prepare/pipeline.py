"""Wiring of the pipeline ``prepare``.

The last output of a node is saved last: where it exists, the others do.
"""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines.prepare.nodes import (
    align_damaged_faces,
    align_faces,
    draw_preparation,
    flatten_faces,
    ingest_photos,
    report_preparation,
    select_faces,
)


def create_ingestion(**_: Any) -> Pipeline:
    """Ingest: shared by photos to train on and photos to complete.

    Example:
        The same node on other photos; datasets then have the prefix ``incomplete.``,
        such as ``incomplete.photo_manifest``::

            Pipeline(
                create_ingestion(),
                namespace="incomplete",
                inputs={"photos": "incomplete_photos"},
                parameters={"ingest", "align"},
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
            )
        ],
        tags="prepare",
    )


def create_damaged_alignment(**_: Any) -> Pipeline:
    """Align photos that have holes, by their known pixels alone."""
    return Pipeline(
        [
            Node(
                func=align_damaged_faces,
                inputs={
                    "photos": "photos",
                    "manifest": "photo_manifest",
                    "holes": "hole_manifest",
                    "mask_files": "masks",
                    "hints": "hints",
                    "faces": "params:aligned_faces.folder",
                    "records": "params:alignment_records.folder",
                    "options": "params:align",
                    "completing": "params:complete",
                    "limits": "params:ingest",
                    "image_size": "params:image_size",
                },
                outputs=["aligned_faces", "alignment_records", "alignment_manifest"],
                name="align_faces",
            )
        ],
        tags="complete",
    )


def create_preparation(**_: Any) -> Pipeline:
    """Ingest and align photos that are whole."""
    return create_ingestion() + Pipeline(
        [
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
        ],
        tags="prepare",
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
        ],
        tags="prepare",
    )
