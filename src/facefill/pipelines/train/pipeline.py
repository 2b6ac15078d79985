"""Wiring of ``kedro run --pipeline=train``."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from facefill.pipelines import prepare
from facefill.pipelines.train import nodes


def create_pipeline(**_: Any) -> Pipeline:
    """Prepare the photos (work that is done is skipped), then train."""
    return prepare.create_pipeline() + Pipeline(
        [
            Node(
                func=nodes.train_networks,
                inputs={
                    "training_set": "training_set",
                    "checkpoints": "params:checkpoints.folder",
                    "training_grids": "params:training_grids.folder",
                    "face_descriptors": "params:face_descriptors.folder",
                    "options": "params:train",
                    "alignment": "params:align",
                    "image_size": "params:image_size",
                    "seed": "params:seed",
                },
                outputs=[
                    "checkpoints",
                    "training_grids",
                    "face_descriptors",
                    "generator",
                    "discriminator",
                    "trained_generator",
                    "training_report",
                ],
                name="train_networks",
            ),
            Node(
                func=nodes.train_encoder,
                inputs={
                    "training_set": "training_set",
                    "generator": "trained_generator",
                    "folder": "params:encoder.folder",
                    "options": "params:train",
                    "seed": "params:seed",
                },
                outputs=["encoder", "encoder_report"],
                name="train_encoder",
            ),
            Node(
                func=nodes.measure_faces,
                inputs=["training_set", "params:complete", "params:seed"],
                outputs="face_statistics",
                name="measure_faces",
            ),
            Node(
                func=nodes.train_refiner,
                inputs={
                    "training_set": "training_set",
                    "alignment": "alignment_manifest",
                    "photos": "photos",
                    "generator": "trained_generator",
                    "encoder": "encoder",
                    "statistics": "face_statistics",
                    "folder": "params:refiner.folder",
                    "options": "params:train",
                    "aligning": "params:align",
                    "completion": "params:complete",
                    "seed": "params:seed",
                },
                outputs=["refiner", "refiner_report"],
                name="train_refiner",
            ),
            Node(
                func=nodes.draw_curves,
                inputs="training_report",
                outputs="training_curves",
                name="draw_training_curves",
            ),
        ],
        tags="train",
    )
