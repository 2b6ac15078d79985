"""Completion measured on held-out faces."""

from facefill.pipelines.evaluate.pipeline import create_pipeline

__all__ = ["create_pipeline"]
