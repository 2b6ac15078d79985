"""What is known of faces, and how much each known pixel counts in a search."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.backend.types import Tensor
from facefill.errors import MaskError, ModelError
from facefill.imaging.degradations import (
    Decolorization,
    Degradation,
    Downsampling,
    Inpainting,
)
from facefill.imaging.masks import Mask
from facefill.imaging.pictures import to_float
from facefill.parameters.choices import Contextual


@dataclass(frozen=True)
class Measurement:
    """What is known of one face.

    Attributes:
        key: The photo's id, from which its first latents are drawn.
        face: Aligned face, uint8 (S, S, 3); what is not known is not read.
        mask: Pixels that are known as they are, bool (S, S), True = known.
        observation: What of the face is known.
    """

    key: str
    face: np.ndarray
    mask: np.ndarray
    observation: Degradation = field(default_factory=Inpainting)


class MeasurementBatch(NamedTuple):
    """Known parts of a batch, float32.

    Attributes:
        faces: (N, S, S, 3) in [-1, 1], 0 where nothing is known.
        weights: (N, S, S, 1): what a pixel counts in the contextual loss, 0 in the
            hole.
        coarse: (N,): 1 where the means of blocks are known, else 0.
        grey: (N,): 1 where the luminance of all pixels is known, else 0.
    """

    faces: Tensor
    weights: Tensor
    coarse: Tensor
    grey: Tensor


def check_measurement(target: Measurement, size: int) -> None:
    """Refuse a face that models of ``size`` pixels cannot complete.

    Raises:
        ModelError: If the face is of another size.
        MaskError: If the mask is, or if nothing at all is known of the face.
    """
    if target.face.shape[:2] != (size, size):
        raise ModelError(
            f"the models complete faces of {size} pixels, {target.key} has "
            f"{target.face.shape[0]}; set image_size to {size}, or train with the new "
            "one"
        )
    if target.mask.shape != (size, size):
        raise MaskError(
            f"the mask of {target.key} is of shape {target.mask.shape}, its face of "
            f"{size}x{size} pixels"
        )
    if isinstance(target.observation, Inpainting) and not target.mask.any():
        raise MaskError(
            f"the mask of {target.key} hides the whole face, so nothing is left to "
            "complete it from"
        )


def gather(
    targets: Sequence[Measurement],
    contextual: Contextual,
    window: int,
) -> MeasurementBatch:
    """Stack what is known of several faces of one size.

    Args:
        targets: The faces.
        contextual: Whether known pixels count alike, or more beside the hole.
        window: Side of the window that ``weighted`` looks at, in pixels.
    """
    observations = [target.observation for target in targets]
    faces = to_float(np.stack([target.face for target in targets]))
    coarse = np.array([isinstance(each, Downsampling) for each in observations])
    grey = np.array([isinstance(each, Decolorization) for each in observations])
    counted = np.stack([each.observation.counted(each.mask) for each in targets])
    # What is under a hole is cleared, so that it cannot matter.
    used = (counted | (coarse | grey)[:, None, None])[..., None]
    weights = np.stack([_weights(mask, contextual, window) for mask in counted])
    return MeasurementBatch(
        faces=np.where(used, faces, 0.0).astype(np.float32),
        weights=weights[..., None].astype(np.float32),
        coarse=coarse.astype(np.float32),
        grey=grey.astype(np.float32),
    )


def _weights(mask: np.ndarray, contextual: Contextual, window: int) -> np.ndarray:
    # Where nothing is missing (the mask ``full``), nothing is nearer to it either;
    # and where no pixel is known, none counts.
    if contextual == "uniform" or mask.all() or not mask.any():
        return mask.astype(np.float32)
    return importance_weights(mask, window)


def importance_weights(mask: Mask, window: int = 7) -> NDArray[np.float32]:
    """Weigh each known pixel by how much of its neighbourhood is missing.

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
