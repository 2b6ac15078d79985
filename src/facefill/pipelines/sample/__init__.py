"""Pictures from the trained generator."""

from facefill.pipelines.sample.pipeline import create_pipeline

__all__ = ["create_pipeline"]
