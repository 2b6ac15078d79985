"""Damaged photos to completed ones."""

from facefill.pipelines.complete.pipeline import create_pipeline

__all__ = ["create_pipeline"]
