"""Training monitors: discriminator domination and mode collapse."""

import logging
from collections.abc import Sequence

import numpy as np

WINNING_STEPS = 500
WINNING_GAP = 0.9
LEAST_DIVERSITY = 0.4
DIVERSITY_AFTER_STEPS = 2000

logger = logging.getLogger(__name__)


class Monitors:
    """Warns once when a condition begins, and logs when it has ended."""

    def __init__(self) -> None:
        """Begin with no condition."""
        self._active: set[str] = set()

    def discriminator_wins(
        self, history: Sequence[np.ndarray], names: Sequence[str]
    ) -> dict[str, float]:
        """Check whether the discriminator has been winning for long.

        It wins where mean D(x) - D(G(z)) over the last 500 steps is above 0.9: the
        generator then learns next to nothing, for its loss is flat.

        Args:
            history: Rows of the step, the metrics and the rate.
            names: Of the metrics.

        Returns:
            The alarm's value by its name if it has changed: 1 begins, 0 ends.
        """
        step = history[-1][0]
        if step < WINNING_STEPS:
            return {}
        real, fake = 1 + names.index("d_real"), 1 + names.index("d_fake")
        gaps = []
        for row in reversed(history):
            if row[0] <= step - WINNING_STEPS:
                break
            gaps.append(row[real] - row[fake])
        return self._change(
            "alarm_discriminator_winning",
            float(np.mean(gaps)) > WINNING_GAP,
            f"step {step:.0f}: the discriminator has been winning for "
            f"{WINNING_STEPS} steps (D(x) - D(G(z)) = {np.mean(gaps):.2f}); lower "
            "train.discriminator_learning_rate, or set train.augment or "
            "train.r1_weight",
        )

    def mode_collapse(self, step: int, diversity: float) -> dict[str, float]:
        """Check whether the samples are too much alike.

        Args:
            step: Steps done; the first 2,000 give shapeless samples, which are.
            diversity: Mean distance between samples over that between photos.

        Returns:
            As ``discriminator_wins`` does.
        """
        if step < DIVERSITY_AFTER_STEPS:
            return {}
        return self._change(
            "alarm_low_diversity",
            diversity < LEAST_DIVERSITY,
            f"step {step}: samples differ only {diversity:.2f} times as much as "
            "photos do; the generator may have collapsed to few faces",
        )

    def _change(self, name: str, is_active: bool, message: str) -> dict[str, float]:
        if is_active == (name in self._active):
            return {}
        if is_active:
            self._active.add(name)
            logger.warning("%s", message)
        else:
            self._active.discard(name)
            logger.info("%s has ended", name)
        return {name: float(is_active)}
