"""Photos to a trained generator."""

from facefill.pipelines.train.pipeline import create_pipeline

__all__ = ["create_pipeline"]
