"""Photos to training set."""

from facefill.pipelines.prepare.pipeline import create_pipeline, create_preparation

__all__ = ["create_pipeline", "create_preparation"]
