"""One folder a pipeline, named as ``kedro run --pipeline`` names it."""
