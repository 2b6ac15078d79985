"""Perceptual loss of the refiner, where its weights are installed."""

import logging
from collections.abc import Callable

from keras import ops

from facefill.backend.types import Tensor
from facefill.evaluation import perceptual
from facefill.parameters.choices import Judge
from facefill.training.refiner.step import WINDOW_SHARE, PerceptualLoss, Shown

_STRIDE = 4
"""Of AlexNet's first layer: pictures are shifted by less, lest its grid be learnt."""
_ALEXNET_LAYERS, _VGG16_LAYERS = 3, 5
_VGG16_WEIGHT = 2.0
"""It sees every second crop alone."""

logger = logging.getLogger(__name__)


def perceptual_loss(
    precision: str = "float32", *, with_vgg16: bool = False
) -> PerceptualLoss | None:
    """LPIPS by the first three layers of AlexNet, at other places each step.

    Args:
        precision: Keras dtype policy; distances are in float32.
        with_vgg16: Adds LPIPS by VGG16, twice, in a window around a hidden pixel, of a
            quarter of a crop, in every second crop: of all it would cost ten times the
            refiner.

    Returns:
        None, which is said, where the package with its weights is not installed.

    Raises:
        ModelError: If the weights are damaged or of another version.
    """
    if reason := perceptual.missing():
        logger.info("the refiner is trained without a perceptual loss: %s", reason)
        return None
    dtype = "bfloat16" if precision == "mixed_bfloat16" else "float32"
    parts: list[PerceptualLoss] = [_by_alexnet(dtype)]
    if with_vgg16:
        parts.append(_by_vgg16(dtype))
    return lambda shown, step: sum(part(shown, step) for part in parts)


def _by_alexnet(dtype: str) -> PerceptualLoss:
    distance = _distance("alexnet", dtype, _ALEXNET_LAYERS)

    def loss(shown: Shown, step: Tensor) -> Tensor:
        count, side = shown.pictures.shape[0], shown.pictures.shape[1] - _STRIDE
        row, column = step % _STRIDE, (step // _STRIDE) % _STRIDE
        pictures, truth = (
            ops.slice(each, (0, row, column, 0), (count, side, side, 3))
            for each in (shown.pictures, shown.truth)
        )
        return ops.mean(distance(pictures, truth)) / ops.mean(shown.hidden)

    return loss


def _by_vgg16(dtype: str) -> PerceptualLoss:
    distance = _distance("vgg16", dtype, _VGG16_LAYERS)

    def loss(shown: Shown, step: Tensor) -> Tensor:
        del step
        pictures, truth, hidden = (
            _windows(each, shown.windows)
            for each in (shown.pictures, shown.truth, shown.hidden)
        )
        return _VGG16_WEIGHT * ops.mean(distance(pictures, truth)) / ops.mean(hidden)

    return loss


def _distance(
    name: Judge, dtype: str, num_layers: int
) -> Callable[[Tensor, Tensor], Tensor]:
    network = perceptual.PerceptualNetwork(name)

    def distance(pictures: Tensor, truth: Tensor) -> Tensor:
        shown, true = ops.cast(pictures, dtype), ops.cast(truth, dtype)
        return network.distance(shown, true, num_layers)

    return distance


def _windows(crops: Tensor, starts: Tensor) -> Tensor:
    """Cut a window out of every second crop."""
    side, channels = crops.shape[1] // WINDOW_SHARE, crops.shape[3]
    return ops.stack(
        [
            ops.slice(crop, (start[0], start[1], 0), (side, side, channels))
            for crop, start in zip(
                ops.unstack(crops[::2]), ops.unstack(starts[::2]), strict=True
            )
        ]
    )
