"""Degradations: linear measurements of a face that leave part of it unknown.

Synopsis::

    degradation = Downsampling()
    numbers = degradation.measure(faces, mask)  # float32 (N, numbers)
    picture = degradation.show(face, mask)  # the measurement as a picture

Each is a linear operator A of the model y = A(x) + noise, where x is the face and y
what is known of it. Searches, latent banks and PCA fits compare pictures with a face
by A alone and need not know which one it is. How a finished face is put together with
what is known of it is in ``compositing``.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facefill.imaging.colour import LUMINANCE_WEIGHTS, grey_picture, luminance
from facefill.imaging.masks import Mask, hide
from facefill.imaging.photos import Pixels

Floats = NDArray[np.float32]

MAX_BLOCK_SIDE = 8
"""Side of the blocks of ``Downsampling`` in pixels, the reference's."""


class Degradation(ABC):
    """Linear measurement operator of a face."""

    @abstractmethod
    def measure(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Apply the operator to pictures.

        Args:
            pictures: (N, S, S, 3) of any dtype and range.
            mask: Known pixels, bool (S, S), True = known.

        Returns:
            Measured numbers, (N, numbers), in the unit of the pictures.
        """

    @abstractmethod
    def show(self, face: Pixels, mask: Mask) -> Pixels:
        """Picture of the measurement of a face, uint8 (S, S, 3)."""

    def compared(self, mask: Mask) -> Mask:
        """Pixels that the measurement reads, bool (S, S)."""
        return np.ones_like(mask)

    def noise_gain(self, size: int) -> float:
        """Variance of a measured number over that of the pixels it is made of.

        The sum of its squared weights, if all pixels and channels are independent.

        Args:
            size: Side of the pictures in pixels.
        """
        return 1.0

    def variance(self, pixel: float, size: int) -> float:
        """Variance of a measured number around its prediction by a PCA model.

        Args:
            pixel: Variance of a pixel around the model.
            size: Side of the pictures in pixels.
        """
        return pixel * self.noise_gain(size)

    def degrade(self, face: Pixels, rng: np.random.Generator) -> Pixels:
        """Degraded copy of a whole face, to evaluate with.

        Args:
            face: uint8 (S, S, 3).
            rng: Source of the noise, for degradations that have any.
        """
        return face


@dataclass(frozen=True)
class Inpainting(Degradation):
    """Pixels outside a hole are known as they are, those inside not at all."""

    def measure(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Known pixels, row by row."""
        return pictures[:, mask].reshape(len(pictures), -1).astype(np.float32)

    def show(self, face: Pixels, mask: Mask) -> Pixels:
        """Face with a grey hole."""
        return hide(face, mask)

    def compared(self, mask: Mask) -> Mask:
        """Pixels outside the hole."""
        return mask


@dataclass(frozen=True)
class Downsampling(Degradation):
    """Means of blocks of pixels are known: a face of low resolution."""

    def measure(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Means of the blocks."""
        means = block_means(pictures, block_side(len(mask)))
        return means.reshape(len(pictures), -1).astype(np.float32)

    def show(self, face: Pixels, mask: Mask) -> Pixels:
        """Face with each block in its mean."""
        side = block_side(len(face))
        means = np.round(block_means(face[None], side)[0]).astype(np.uint8)
        return np.asarray(means.repeat(side, axis=0).repeat(side, axis=1))

    def noise_gain(self, size: int) -> float:
        """One over the number of pixels in a block."""
        return 1.0 / block_side(size) ** 2


@dataclass(frozen=True)
class Decolorization(Degradation):
    """Luminance of every pixel is known, without its colour."""

    def measure(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """Luminance of each pixel."""
        return luminance(pictures).reshape(len(pictures), -1)

    def show(self, face: Pixels, mask: Mask) -> Pixels:
        """Face in grey."""
        return grey_picture(face)

    def noise_gain(self, size: int) -> float:
        """Sum of the squared weights of the three channels."""
        return sum(weight**2 for weight in LUMINANCE_WEIGHTS)


@dataclass(frozen=True)
class Denoising(Degradation):
    """All pixels are known, each with noise of its own.

    Attributes:
        noise: Standard deviation of the noise in grey levels.
    """

    noise: float

    def measure(self, pictures: NDArray[Any], mask: Mask) -> Floats:
        """All pixels."""
        return pictures.reshape(len(pictures), -1).astype(np.float32)

    def show(self, face: Pixels, mask: Mask) -> Pixels:
        """Noisy face."""
        return face.copy()

    def variance(self, pixel: float, size: int) -> float:
        """Variance of the noise alone.

        What a face has beside its principal components is orthogonal to them, so
        that all its pixels together determine their weights as if it were not there.
        """
        return self.noise**2

    def degrade(self, face: Pixels, rng: np.random.Generator) -> Pixels:
        """Face with noise added, rounded and clipped to 0 to 255."""
        noisy = face + rng.normal(0.0, self.noise, face.shape)
        return np.asarray(np.clip(np.round(noisy), 0, 255), np.uint8)


def block_side(size: int) -> int:
    """Side of the blocks of ``Downsampling`` for pictures of ``size`` pixels.

    8 for every size of face that we train on: 64 pixels leave 8x8 means, 16 leave
    2x2. Smaller faces get blocks of half their side, so that there are 2x2 means
    at least.
    """
    return max(1, min(MAX_BLOCK_SIDE, size // 2))


def block_means(pictures: NDArray[Any], side: int) -> NDArray[np.float64]:
    """Average pictures over square blocks of pixels.

    Args:
        pictures: (N, size, size, 3), size a multiple of ``side``.
        side: Side of a block in pixels.

    Returns:
        (N, size / side, size / side, 3).
    """
    count, size = pictures.shape[:2]
    blocks = size // side
    means = pictures.reshape(count, blocks, side, blocks, side, 3).mean(axis=(2, 4))
    return np.asarray(means, np.float64)
