"""An old model to one of ours."""

from facefill.pipelines.import_checkpoint.pipeline import create_pipeline

__all__ = ["create_pipeline"]
