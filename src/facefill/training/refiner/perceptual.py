"""Perceptual loss of the refiner, where its weights are installed."""

import logging

from keras import ops

from facefill.backend.types import Tensor
from facefill.evaluation import perceptual
from facefill.training.refiner.step import PerceptualLoss

_STRIDE = 4
"""Of AlexNet's first layer: pictures are shifted by less, lest its grid be learnt."""

logger = logging.getLogger(__name__)


def perceptual_loss() -> PerceptualLoss | None:
    """LPIPS by the first three layers of AlexNet, at other places each step.

    Returns:
        None, which is said, where the package with its weights is not installed.

    Raises:
        ModelError: If the weights are damaged or of another version.
    """
    if reason := perceptual.missing():
        logger.info("the refiner is trained without a perceptual loss: %s", reason)
        return None
    network = perceptual.PerceptualNetwork("alexnet")

    def distance(pictures: Tensor, truth: Tensor, step: Tensor) -> Tensor:
        count, side = pictures.shape[0], pictures.shape[1] - _STRIDE
        row, column = step % _STRIDE, (step // _STRIDE) % _STRIDE
        shown, true = (
            ops.slice(each, (0, row, column, 0), (count, side, side, 3))
            for each in (pictures, truth)
        )
        return network.distance(shown, true, num_layers=3)

    return distance
