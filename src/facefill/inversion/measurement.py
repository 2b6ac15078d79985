"""Measurements of faces, alone and in batches, with their misfit in the graph.

A measurement is what is known of a face: the y of y = A(x) + noise. In a batch, which
the graph takes, all are by one kind of operator, and the batch brings the contextual
loss of that kind.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.backend import graph
from facefill.backend.types import Tensor
from facefill.errors import MaskError, ModelError
from facefill.imaging.degradations import (
    Decolorization,
    Degradation,
    Denoising,
    Downsampling,
    Inpainting,
    block_side,
)
from facefill.imaging.masks import Mask
from facefill.imaging.pictures import to_float
from facefill.inversion import losses
from facefill.parameters.choices import Contextual, Device


@dataclass(frozen=True)
class Measurement:
    """What is known of one face.

    Attributes:
        key: The photo's id, which keys the random numbers of its search.
        face: Aligned face, uint8 (S, S, 3); what is unknown of it is not read.
        mask: Pixels that are known as they are, bool (S, S), True = known.
        degradation: How the rest was lost.
    """

    key: str
    face: np.ndarray
    mask: np.ndarray
    degradation: Degradation = field(default_factory=Inpainting)

    def measure(self, pictures: NDArray[Any]) -> NDArray[np.float32]:
        """Apply the measurement operator to pictures (N, S, S, 3); (N, numbers)."""
        return self.degradation.measure(pictures, self.mask)

    @property
    def compared(self) -> Mask:
        """Pixels that the operator reads, bool (S, S)."""
        return self.degradation.compared(self.mask)


class MeasurementBatch(NamedTuple):
    """Measurements of N faces that compare pixels, float32.

    Attributes:
        faces: (N, S, S, 3) in [-1, 1], 0 where nothing is known.
        weights: Weights of the pixels in the contextual loss, (N, S, S, 1), 0 in the
            hole.
    """

    faces: Tensor
    weights: Tensor

    @property
    def spread(self) -> float:
        """Standard deviation of a measured number over that of a pixel."""
        return 1.0

    def misfit(self, pictures: Tensor) -> Tensor:
        """Contextual loss of pictures (N, S, S, 3), in the graph; (N,)."""
        return losses.contextual_loss(pictures, self.faces, self.weights)


class BlockBatch(MeasurementBatch):
    """Measurements that compare the means of blocks; ``weights`` are not used."""

    __slots__ = ()

    @property
    def spread(self) -> float:
        """Standard deviation of a mean over that of a pixel."""
        return math.sqrt(Downsampling().noise_gain(self.faces.shape[1]))

    def misfit(self, pictures: Tensor) -> Tensor:
        """Contextual loss of pictures (N, S, S, 3), in the graph; (N,)."""
        side = block_side(self.faces.shape[1])
        return losses.coarse_contextual_loss(pictures, self.faces, side)


class LuminanceBatch(MeasurementBatch):
    """Measurements that compare luminance; ``weights`` are not used."""

    __slots__ = ()

    @property
    def spread(self) -> float:
        """Standard deviation of a luminance over that of a channel of a pixel."""
        return math.sqrt(Decolorization().noise_gain(self.faces.shape[1]))

    def misfit(self, pictures: Tensor) -> Tensor:
        """Contextual loss of pictures (N, S, S, 3), in the graph; (N,)."""
        return losses.grey_contextual_loss(pictures, self.faces)


_BATCHES: dict[type[Degradation], type[MeasurementBatch]] = {
    Inpainting: MeasurementBatch,
    Denoising: MeasurementBatch,
    Downsampling: BlockBatch,
    Decolorization: LuminanceBatch,
}


def kinds(measurements: Sequence[Measurement]) -> list[str]:
    """For each measurement, what those in one batch must have in common."""
    return [_BATCHES[type(item.degradation)].__name__ for item in measurements]


def check_measurement(measurement: Measurement, size: int) -> None:
    """Refuse a face that models of ``size`` pixels cannot complete.

    Raises:
        ModelError: If the face is of another size.
        MaskError: If the mask is, or if nothing at all is known of the face.
    """
    key, face, mask = measurement.key, measurement.face, measurement.mask
    if face.shape[:2] != (size, size):
        raise ModelError(
            f"the models complete faces of {size} pixels, {key} has {face.shape[0]}; "
            f"set image_size to {size}, or train with the new one"
        )
    if mask.shape != (size, size):
        raise MaskError(
            f"the mask of {key} is of shape {mask.shape}, its face of "
            f"{size}x{size} pixels"
        )
    if not measurement.compared.any():
        raise MaskError(
            f"the mask of {key} hides the whole face, so nothing is left to "
            "complete it from"
        )


def compiled_by_kind(
    function: Callable[..., Any], device: Device
) -> Callable[..., Any]:
    """Compile a function whose third argument is a batch, once for each kind of batch.

    TensorFlow would otherwise take the graphs of several kinds for needless retracing
    and warn of it.
    """
    by_kind: dict[type[MeasurementBatch], Callable[..., Any]] = {}

    def call(weights: Any, state: Any, batch: MeasurementBatch, *others: Any) -> Any:
        kind = type(batch)
        if kind not in by_kind:
            # Its statistics are kept by code object, of which a partial has none.
            by_kind[kind] = graph.compiled(partial(function), device)
        return by_kind[kind](weights, state, batch, *others)

    return call


def gather(
    measurements: Sequence[Measurement], contextual: Contextual, window: int
) -> MeasurementBatch:
    """Stack measurements of one kind and one size.

    Args:
        measurements: N measurements, equal in ``kinds``.
        contextual: Whether known pixels count alike, or more beside the hole.
        window: Side of the window that ``weighted`` looks at, in pixels.
    """
    (batch,) = {_BATCHES[type(item.degradation)] for item in measurements}
    faces = to_float(np.stack([item.face for item in measurements]))
    compared = np.stack([item.compared for item in measurements])
    weights = np.stack([_weights(mask, contextual, window) for mask in compared])
    return batch(
        # What is under a hole is cleared, so that it cannot matter.
        faces=np.where(compared[..., None], faces, 0.0).astype(np.float32),
        weights=weights[..., None],
    )


def _weights(mask: Mask, contextual: Contextual, window: int) -> NDArray[np.float32]:
    # Where nothing is missing, no pixel is nearer to it than another.
    if contextual == "uniform" or mask.all():
        return mask.astype(np.float32)
    return importance_weights(mask, window)


def importance_weights(mask: Mask, window: int = 7) -> NDArray[np.float32]:
    """Weights of known pixels by how much of their neighbourhood is missing.

    A known pixel next to the hole says more about the hole than a distant one, so
    the contextual loss counts it more (Yeh et al. 2017, equation 2).

    Args:
        mask: Known pixels, bool (height, width), True = known.
        window: Side of the square neighbourhood in pixels; odd, at least 3. Beyond
            the picture's edge there are no neighbours.

    Returns:
        Shares of missing pixels among the neighbours, in [0, 1]; 0 in the hole.

    Raises:
        MaskError: If no pixel is known, or none is missing.
        ValueError: If ``window`` is even or below 3.

    Example:
        >>> mask = np.ones((5, 5), bool)
        >>> mask[2, 2] = False
        >>> float(importance_weights(mask, window=3)[2, 1])
        0.125
    """
    if window < 3 or window % 2 == 0:
        raise ValueError(f"the window's side is odd and at least 3, not {window}")
    if mask.all() or not mask.any():
        raise MaskError("importance needs known pixels and missing ones")
    missing = (~mask).astype(np.float64)
    total = _box_sum(missing, window)
    neighbours = _box_sum(np.ones_like(missing), window) - 1.0
    return np.where(mask, total / neighbours, 0.0).astype(np.float32)


def _box_sum(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    summed = cv2.boxFilter(
        values, -1, (window, window), normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    return np.asarray(np.round(summed))
