"""Refinement of completed crops by the network of ``refiner``.

Synopsis::

    refiner = refiner_of(CompleteOptions(), image_size=64)
    refined = refiner.refine(crop, completed, known)  # twice as fine as the face
"""

from functools import lru_cache

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from facefill.backend import graph
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.imaging.pictures import to_float, to_uint8
from facefill.models import pretrained
from facefill.models.files import weights_sha256
from facefill.models.refiner import FACTOR, refiner_input, residuals
from facefill.parameters import CompleteOptions


class Refiner:
    """Refines completed faces at twice their resolution."""

    def __init__(self, network: keras.Model, picture_share: float) -> None:
        """Take a network.

        Args:
            network: Of ``refiner.build_refiner``.
            picture_share: Share of the network's picture, the rest being its mean.
        """
        self._network = network
        self._picture_share = picture_share
        self._run = graph.inference(network)

    @property
    def fingerprint(self) -> str:
        """What decides its results: SHA-256 of the weights, and the share."""
        return f"{weights_sha256(self._network)} {self._picture_share}"

    @property
    def size(self) -> int:
        """Side of a crop in pixels."""
        return int(self._network.input_shape[1])

    def refine(self, crop: Pixels, completed: Pixels, known: Mask) -> Pixels:
        """Refine one completed face, alone, so that no photo depends on another.

        Args:
            crop: Crop of the photo at twice the face's resolution, uint8 RGB (2 S, 2 S,
                3); what is under the hole is not read.
            completed: Completed face, uint8 RGB (S, S, 3).
            known: Known pixels of the crop, bool (2 S, 2 S), True = known.

        Returns:
            uint8 RGB (2 S, 2 S, 3); known pixels are those of the crop.
        """
        coarse = to_float(enlarged(completed))
        mask = known[..., None].astype(np.float32)
        seen = refiner_input(to_float(crop)[None], coarse[None], mask[None])
        picture, mean = residuals(np.asarray(self._run(seen))[0])
        residual = mean + self._picture_share * (picture - mean)
        return np.where(known[..., None], crop, to_uint8(coarse + residual))


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


def refiner_of(options: CompleteOptions, image_size: int) -> Refiner | None:
    """Refiner that options ask for; None if they do not, or none is for this size.

    Args:
        options: ``refine`` and ``fidelity`` are read.
        image_size: Side of a face in pixels.

    Raises:
        ModelError: If the file of the network is not the one that was shipped.
    """
    if options.refine == "none":
        return None
    network = _shipped()
    if network is None:
        return None
    refiner = Refiner(network, options.picture_share)
    return refiner if refiner.size == FACTOR * image_size else None


@lru_cache(maxsize=1)
def _shipped() -> keras.Model | None:
    return pretrained.load_refiner()
