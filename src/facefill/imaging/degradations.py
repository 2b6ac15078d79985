"""What can be known of a face: some of its pixels, or something of all of them.

Synopsis::

    seen = observation_of("colorize", noise=25.0)
    numbers = seen.read(faces, mask)  # float32 (N, numbers), a linear map of pixels
    picture = seen.show(face, mask)  # what there is to see of the face
    result = seen.complete(face, fitted, mask)  # what is known stays

Every observation is a linear map of the pixels, so that a search, a bank of faces
and an expectation compare pictures with a face by what is known of it and need not
know which it is. A mask says which pixels are known as they are; only ``Inpainting``
leaves any.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facefill.imaging.colour import (
    LUMINANCE_WEIGHTS,
    chroma,
    coloured,
    grey_picture,
    luminance,
)
from facefill.imaging.compositing import (
    complete_face,
    paste_back,
    paste_colour,
    poisson_blend,
)
from facefill.imaging.masks import Mask, hide, lowres_factor
from facefill.parameters import MaskName

Face = NDArray[np.uint8]
Floats = NDArray[np.float32]

DEVIATION = 10.0
"""How far a pixel of a face is from its expectation, in grey levels (standard
deviation): that of 48 held-out faces from 300 components of others."""


@dataclass(frozen=True)
class Placed:
    """Where a face is in its photo.

    Attributes:
        photo: uint8 RGB (height, width, 3).
        matrix: float64 (2, 3), from the photo to the face.
        hole: The hole in the photo itself if a file gives it, bool (height, width),
            True = hole.
    """

    photo: Face
    matrix: NDArray[np.float64]
    hole: Mask | None = None


class Degradation(ABC):
    """Something that is known of every pixel, and no pixel as it is."""

    @abstractmethod
    def read(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Read what is known out of pictures.

        Args:
            pictures: (N, S, S, 3) of any type and range.
            mask: Known pixels, bool (S, S), True = known.

        Returns:
            (N, numbers), in the unit of the pictures.
        """

    @abstractmethod
    def show(self, face: Face, mask: Mask) -> Face:
        """Picture what there is to see of a face, uint8 (S, S, 3)."""

    def share(self, size: int) -> float:
        """Give the variance of a number that is read over that of a pixel.

        The sum of its squared weights, if all pixels and channels are independent.

        Args:
            size: Side of the pictures in pixels.
        """
        return 1.0

    def variance(self, pixel: float, size: int) -> float:
        """Give how much a number that is read varies around what components say.

        Args:
            pixel: Variance of a pixel around them.
            size: Side of the pictures in pixels.
        """
        return pixel * self.share(size)

    def counted(self, mask: Mask) -> Mask:
        """Say which pixels are compared one by one, bool (S, S)."""
        return mask

    def damage(self, face: Face, draw: np.random.Generator) -> Face:
        """Make of a whole face what is to be restored; ``draw`` makes its noise."""
        return face

    def complete(self, face: Face, fitted: Face, mask: Mask) -> Face:
        """Put what is known of a face into one that was made for it."""
        return fitted.copy()

    def blend(self, face: Face, fitted: Face, mask: Mask) -> Face:
        """Do so without a seam where known and made pixels meet, if they do."""
        return self.complete(face, fitted, mask)

    def paste(self, placed: Placed, blended: Face, mask: Mask) -> Face:
        """Put a finished face back into its photo; uint8 RGB (height, width, 3)."""
        return paste_back(placed.photo, blended, mask, placed.matrix, placed.hole)


@dataclass(frozen=True)
class Inpainting(Degradation):
    """The pixels that a mask leaves, as they are."""

    def read(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Read the known pixels."""
        return pictures[:, mask].reshape(len(pictures), -1).astype(np.float32)

    def show(self, face: Face, mask: Mask) -> Face:
        """Paint the hole grey."""
        return hide(face, mask)

    def complete(self, face: Face, fitted: Face, mask: Mask) -> Face:
        """Fill the hole and keep the known pixels, byte for byte."""
        return complete_face(face, fitted, mask)

    def blend(self, face: Face, fitted: Face, mask: Mask) -> Face:
        """Fill the hole by Poisson blending."""
        return poisson_blend(face, fitted, mask)


@dataclass(frozen=True)
class Downsampling(Degradation):
    """The means of blocks of pixels: a face of low resolution."""

    def read(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Read the means."""
        means = block_means(pictures, lowres_factor(len(mask)))
        return means.reshape(len(pictures), -1).astype(np.float32)

    def show(self, face: Face, mask: Mask) -> Face:
        """Paint each block with its mean."""
        factor = lowres_factor(len(face))
        means = np.round(block_means(face[None], factor)[0]).astype(np.uint8)
        return np.asarray(means.repeat(factor, axis=0).repeat(factor, axis=1))

    def share(self, size: int) -> float:
        """Give that of a mean of as many pixels as a block has."""
        return 1.0 / lowres_factor(size) ** 2


@dataclass(frozen=True)
class Decolorization(Degradation):
    """The grey levels of all pixels, without their colour."""

    def read(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Read the luminance of each pixel."""
        return luminance(pictures).reshape(len(pictures), -1)

    def show(self, face: Face, mask: Mask) -> Face:
        """Paint the face in grey."""
        return grey_picture(face)

    def share(self, size: int) -> float:
        """Give that of the weighted sum of three channels."""
        return sum(weight**2 for weight in LUMINANCE_WEIGHTS)

    def complete(self, face: Face, fitted: Face, mask: Mask) -> Face:
        """Take colour from the fitted face and luminance from the known one."""
        return coloured(luminance(face), chroma(fitted))

    def paste(self, placed: Placed, blended: Face, mask: Mask) -> Face:
        """Colour the face in its photo, whose luminance and sharpness stay."""
        return paste_colour(placed.photo, blended, placed.matrix)


@dataclass(frozen=True)
class Denoising(Degradation):
    """All pixels, each with noise of its own.

    Attributes:
        noise: Its standard deviation in grey levels.
    """

    noise: float

    def read(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Read all pixels."""
        return pictures.reshape(len(pictures), -1).astype(np.float32)

    def show(self, face: Face, mask: Mask) -> Face:
        """Show the face with its noise."""
        return face.copy()

    def variance(self, pixel: float, size: int) -> float:
        """Give that of the noise alone.

        What a face has beside its components is at right angles to them, so that
        all its pixels together say their weights as if it were not there.
        """
        return self.noise**2

    def counted(self, mask: Mask) -> Mask:
        """Compare all pixels."""
        return np.ones_like(mask)

    def damage(self, face: Face, draw: np.random.Generator) -> Face:
        """Add the noise, rounded and clipped to 0 to 255."""
        noisy = face + draw.normal(0.0, self.noise, face.shape)
        return np.asarray(np.clip(np.round(noisy), 0, 255), np.uint8)

    def complete(self, face: Face, fitted: Face, mask: Mask) -> Face:
        """Give what is to be expected of a face between the noisy and the fitted.

        Wiener's share of the difference, which is the face's own as far as faces
        deviate from what is fitted, and noise beyond that.
        """
        share = DEVIATION**2 / (DEVIATION**2 + self.noise**2)
        mixed = fitted + share * (face.astype(np.float64) - fitted)
        return np.asarray(np.round(mixed), np.uint8)


def degradation_of(mask: MaskName, noise: float) -> Degradation:
    """Say what is known of a face under a mask.

    Args:
        mask: Name of the shape.
        noise: Standard deviation of what ``denoise`` takes away, in grey levels.
    """
    special: dict[MaskName, Degradation] = {
        "lowres": Downsampling(),
        "colorize": Decolorization(),
        "denoise": Denoising(noise),
    }
    return special.get(mask, Inpainting())


def block_means(pictures: NDArray[Any], factor: int) -> NDArray[np.float64]:
    """Average blocks of ``factor`` x ``factor`` pixels.

    Args:
        pictures: (N, size, size, 3), size a multiple of ``factor``.
        factor: Side of a block in pixels.

    Returns:
        (N, size / factor, size / factor, 3).
    """
    count, size = pictures.shape[:2]
    blocks = size // factor
    means = pictures.reshape(count, blocks, factor, blocks, factor, 3).mean(axis=(2, 4))
    return np.asarray(means, np.float64)
