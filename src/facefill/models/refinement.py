"""Refinement of completed crops by the network of ``refiner``.

Synopsis::

    refiner = shipped_refiner(CompleteOptions(), image_size=64)
    (refined,) = refiner.refine([CoarseCrop(crop, completed, known)])
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

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

Floats: TypeAlias = NDArray[np.float32]

_COMPILED_KEPT = 4
"""Refiners of faces and of heads, in two precisions."""

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
            network: Of ``refiner.build_refiner``; its weights must not change any more.
            picture_share: Share of the network's picture, the rest being its mean.
            precision: Keras dtype policy of the hidden layers.
        """
        self._network = network
        self._picture_share = picture_share
        self._precision = precision

    @property
    def gives_mean(self) -> bool:
        """Whether it gives the mean of what is likely, and nothing of a picture."""
        return self._picture_share == 0.0

    @property
    def fingerprint(self) -> str:
        """What decides its results but for the precision: weights, and the share."""
        return f"{weights_sha256(self._network)} {self._picture_share}"

    def refine(self, crops: Sequence[CoarseCrop]) -> list[Pixels]:
        """Refine completed faces, each to the same bytes alone and among others.

        Returns:
            uint8 RGB (2 S, 2 S, 3) each; known pixels are those of the crop.
        """
        if not crops:
            return []
        shown = [_shown(each) for each in crops]
        picture, mean = self._residuals(shown)
        if self.gives_mean:
            # A face is as likely as its mirror image: both err, not by the same.
            _, mirrored = self._residuals([each.mirrored() for each in shown])
            mean = (mean + mirrored[:, :, ::-1]) / 2.0
        coarse = np.stack([each.coarse for each in shown])
        refined = to_uint8(coarse + mean + self._picture_share * (picture - mean))
        return [
            np.where(known[..., None], crop, each)
            for (crop, _, known), each in zip(crops, refined, strict=True)
        ]

    def refine_window(self, crop: CoarseCrop, window: tuple[slice, slice]) -> Pixels:
        """Refine a part of a crop: what is beyond stays coarse, and costs nothing.

        Args:
            crop: The crop. The mean is that of itself alone, not of its mirror image,
                too, as ``refine`` has it for a share of 0.
            window: The part; its ends are multiples of ``GRID`` pixels.

        Returns:
            uint8 RGB (2 S, 2 S, 3); known pixels are those of the crop.
        """
        shown = _shown(crop)
        seen = refiner_input(*(each[None] for each in shown))
        run = _compiled(self._network, self._precision)
        painted = np.asarray(run(seen[:, window[0], window[1]]))
        picture, mean = residuals(painted[0])
        refined = shown.coarse.copy()
        refined[window] += mean + self._picture_share * (picture - mean)
        return np.where(crop.known[..., None], crop.crop, to_uint8(refined))

    def _residuals(self, shown: Sequence["_Shown"]) -> tuple[Floats, Floats]:
        """Residuals of the picture and of the mean, float32 (N, 2 S, 2 S, 3) each."""

        def painted(rows: NDArray[np.int64], _: int) -> Tensor:
            seen = zip(*(shown[row] for row in rows), strict=True)
            return run(refiner_input(*(np.stack(each) for each in seen)))

        run = _compiled(self._network, self._precision)
        at_once = 1 if self._precision == "float32" else _AT_ONCE
        return residuals(in_full_batches(painted, len(shown), at_once))


class _Shown(NamedTuple):
    """What the network is shown of one face, float32 (2 S, 2 S, channels) each.

    Attributes:
        crop: Of the photo, in [-1, 1].
        coarse: Completed face at the crop's resolution, in [-1, 1].
        known: 1 = known, 0 = hidden.
    """

    crop: Floats
    coarse: Floats
    known: Floats

    def mirrored(self) -> "_Shown":
        """The same of the mirror image."""
        return _Shown(*(each[:, ::-1] for each in self))


def _shown(crop: CoarseCrop) -> _Shown:
    is_enlarged = len(crop.completed) == len(crop.crop)
    coarse = crop.completed if is_enlarged else enlarged(crop.completed)
    known = crop.known[..., None].astype(np.float32)
    return _Shown(to_float(crop.crop), to_float(coarse), known)


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
    if options.refine == "none" or pretrained.refiner_side() != FACTOR * image_size:
        return None
    return refiner_of(shipped_network(), options)


@lru_cache(maxsize=1)
def shipped_network() -> keras.Model:
    """Network that comes with facefill, for crops of any side.

    Raises:
        ModelError: If there is none, or its file is not the one that was shipped.
    """
    return pretrained.load_refiner()


def refiner_of(network: keras.Model, options: CompleteOptions) -> Refiner:
    """Refiner by a network that computes as options ask for.

    Args:
        network: Of ``refiner.build_refiner``.
        options: ``refine``, ``fidelity``, ``precision`` and ``device`` are read.
    """
    precision = devices.resolve_precision(options.precision, options.device)
    return Refiner(network, options.picture_share, precision)


@lru_cache(maxsize=_COMPILED_KEPT)
def _compiled(network: keras.Model, precision: str) -> Callable[[Tensor], Tensor]:
    """Compile a network, once for all refiners by it of a precision."""
    return graph.inference(in_precision(network, precision))
