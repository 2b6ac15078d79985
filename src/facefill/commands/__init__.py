"""Ways in beside the pipelines: commands, and the model that MLflow serves."""
