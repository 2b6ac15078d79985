"""Refinement of completed crops by the network of ``refiner``.

Synopsis::

    refiner = shipped_refiner(CompleteOptions(), image_size=64)
    (refined,) = refiner.refine([CoarseCrop(crop, completed, known)])
"""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from facefill.backend import devices, graph
from facefill.backend.batches import in_full_batches
from facefill.backend.types import Tensor
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.imaging.pictures import to_float, to_uint8
from facefill.models import pretrained
from facefill.models.files import weights_sha256
from facefill.models.refiner import FACTOR, in_precision, refiner_input, residuals
from facefill.parameters import CompleteOptions

_AT_ONCE = 4
"""Faces that are refined together in bfloat16, where a pass of four takes as long as
one of a single face; in float32 it would take three times as long."""


class CoarseCrop(NamedTuple):
    """A completed face, and the crop of its photo at twice the face's resolution.

    Attributes:
        crop: uint8 RGB (2 S, 2 S, 3); what is under the hole is not read.
        completed: Completed face, uint8 RGB (S, S, 3), or what is coarse in the crop's
            own size.
        known: Known pixels of the crop, bool (2 S, 2 S), True = known.
    """

    crop: Pixels
    completed: Pixels
    known: Mask


class Refiner:
    """Refines completed faces at twice their resolution."""

    def __init__(
        self,
        network: keras.Model,
        picture_share: float,
        precision: str = "float32",
    ) -> None:
        """Take a network.

        Args:
            network: Of ``refiner.build_refiner``.
            picture_share: Share of the network's picture, the rest being its mean.
            precision: Keras dtype policy of the hidden layers.
        """
        self._network = network
        self._picture_share = picture_share
        self._precision = precision

    @cached_property
    def _run(self) -> Callable[[Tensor], Tensor]:
        return graph.inference(in_precision(self._network, self._precision))

    @property
    def fingerprint(self) -> str:
        """What decides its results but for the precision: weights, and the share."""
        return f"{weights_sha256(self._network)} {self._picture_share}"

    @property
    def size(self) -> int:
        """Side of a crop in pixels."""
        return int(self._network.input_shape[1])

    def refine(self, crops: Sequence[CoarseCrop]) -> list[Pixels]:
        """Refine completed faces, each to the same bytes alone and among others.

        Returns:
            uint8 RGB (2 S, 2 S, 3) each; known pixels are those of the crop.
        """
        if not crops:
            return []
        coarse = [
            to_float(each.completed if _is_enlarged(each) else enlarged(each.completed))
            for each in crops
        ]

        def painted(rows: NDArray[np.int64], _: int) -> Tensor:
            seen = refiner_input(
                np.stack([to_float(crops[row].crop) for row in rows]),
                np.stack([coarse[row] for row in rows]),
                np.stack([crops[row].known for row in rows])[..., None].astype("f4"),
            )
            return self._run(seen)

        at_once = 1 if self._precision == "float32" else _AT_ONCE
        picture, mean = residuals(in_full_batches(painted, len(crops), at_once))
        refined = to_uint8(coarse + mean + self._picture_share * (picture - mean))
        return [
            np.where(known[..., None], crop, each)
            for (crop, _, known), each in zip(crops, refined, strict=True)
        ]


def _is_enlarged(crop: CoarseCrop) -> bool:
    return len(crop.completed) == len(crop.crop)


def enlarged(face: Pixels) -> Pixels:
    """Enlarge a face to the resolution of its crop, where pixel 2 i is its pixel i.

    Args:
        face: uint8 RGB (S, S, 3).

    Returns:
        uint8 RGB (2 S, 2 S, 3), by cubic interpolation.
    """
    size = FACTOR * len(face)
    matrix = np.array([[FACTOR, 0.0, 0.0], [0.0, FACTOR, 0.0]])
    return np.asarray(
        cv2.warpAffine(
            face,
            matrix,
            (size, size),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )


def finer(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Affine map from a photo to the crop, (2, 3), of one from the photo to the face.

    OpenFace places landmarks in proportion to the side of a face, so that its map to a
    crop of twice the side is twice the map.
    """
    return FACTOR * matrix


def shipped_refiner(options: CompleteOptions, image_size: int) -> Refiner | None:
    """Refiner that comes with facefill, if options ask for one and it fits, or None.

    Args:
        options: ``refine``, ``fidelity``, ``precision`` and ``device`` are read.
        image_size: Side of a face in pixels.

    Raises:
        ModelError: If the file of the network is not the one that was shipped.
    """
    network = None if options.refine == "none" else _shipped()
    if network is None or network.input_shape[1] != FACTOR * image_size:
        return None
    return refiner_of(network, options)


def refiner_of(network: keras.Model, options: CompleteOptions) -> Refiner:
    """Refiner by a network that computes as options ask for.

    Args:
        network: Of ``refiner.build_refiner``.
        options: ``refine``, ``fidelity``, ``precision`` and ``device`` are read.
    """
    precision = devices.resolve_precision(options.precision, options.device)
    return Refiner(network, options.picture_share, precision)


@lru_cache(maxsize=1)
def _shipped() -> keras.Model | None:
    return pretrained.load_refiner()
