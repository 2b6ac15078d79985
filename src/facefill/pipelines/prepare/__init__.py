"""Photos to training set."""

from facefill.pipelines.prepare.pipeline import (
    create_damaged_alignment,
    create_ingestion,
    create_pipeline,
    create_preparation,
)

__all__ = [
    "create_damaged_alignment",
    "create_ingestion",
    "create_pipeline",
    "create_preparation",
]
