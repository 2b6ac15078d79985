"""One log line for each stage of a run."""

import logging
import time

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

log = logging.getLogger(__name__)


class StageHooks:
    """Logs the name and number of each stage, and the total time."""

    def __init__(self) -> None:
        """Start with no stages."""
        self._total = 0
        self._started = 0
        self._start_s = 0.0

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Count the stages."""
        self._total, self._started = len(pipeline.nodes), 0
        self._start_s = time.monotonic()

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Log the stage that begins."""
        self._started += 1
        log.info("[%d/%d] %s", self._started, self._total, node.name)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Log the total time."""
        log.info("Finished in %.0f s", time.monotonic() - self._start_s)
