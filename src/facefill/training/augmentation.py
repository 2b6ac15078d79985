"""Augmentation on the device: pixel range, mirroring and DiffAugment."""

from collections.abc import Sequence

from keras import ops

from facefill.backend.types import Tensor
from facefill.parameters import Variation

NUM_DRAWS = 7
"""Random numbers that ``vary`` needs for a picture, whichever it does."""

_SHIFT = 0.125
_HOLE = 0.5


def to_network_range(images: Tensor) -> Tensor:
    """Map uint8 pictures to float32 in [-1, 1], on the device.

    The same arithmetic as ``pictures.to_float``, which is for numpy.
    """
    return ops.cast(images, "float32") / 127.5 - 1.0


def flip(images: Tensor, flips: Tensor) -> Tensor:
    """Mirror some pictures left to right.

    Args:
        images: (N, size, size, 3).
        flips: (N,) bool, True for those to mirror.
    """
    return ops.where(flips[:, None, None, None], ops.flip(images, axis=2), images)


def vary(pictures: Tensor, draws: Tensor, variations: Sequence[Variation]) -> Tensor:
    """Change pictures at random, differentiably, before the discriminator.

    DiffAugment (Zhao et al. 2020, arXiv 2006.10738) with the ranges of its code:
    colour is brightness by -0.5 to 0.5, saturation by 0 to 2 and contrast by 0.5 to
    1.5; translation moves by up to an eighth of the side, 0 coming in, which is grey;
    cutout blanks a square of half the side with it, which may reach over the edge. The
    order is always this one.

    Args:
        pictures: (N, size, size, 3) in [-1, 1]; colour may lead out of it.
        draws: (N, NUM_DRAWS) float32, uniform in [0, 1).
        variations: Which to do.
    """
    if "colour" in variations:
        pictures = _recoloured(pictures, draws[:, :3])
    if "translation" in variations:
        pictures = _moved(pictures, draws[:, 3:5])
    if "cutout" in variations:
        pictures = _cut(pictures, draws[:, 5:])
    return pictures


def _recoloured(pictures: Tensor, draws: Tensor) -> Tensor:
    brightness, saturation, contrast = (
        draws[:, column, None, None, None] for column in range(3)
    )
    pictures = pictures + (brightness - 0.5)
    grey = ops.mean(pictures, axis=3, keepdims=True)
    pictures = grey + 2.0 * saturation * (pictures - grey)
    mean = ops.mean(pictures, axis=(1, 2, 3), keepdims=True)
    return mean + (0.5 + contrast) * (pictures - mean)


def _moved(pictures: Tensor, draws: Tensor) -> Tensor:
    """Move by whole pixels: a product with matrices that have a shifted diagonal."""
    size = pictures.shape[1]
    furthest = int(size * _SHIFT + 0.5)
    shifts = ops.floor(draws * (2 * furthest + 1)) - furthest
    pixels = ops.arange(size, dtype="float32")
    # [n, to, from]: the pixel at `to` is the one that was at `from`.
    sources = pixels[None, :, None] - pixels[None, None, :]
    rows, columns = (
        ops.cast(ops.equal(sources, shifts[:, axis, None, None]), "float32")
        for axis in range(2)
    )
    pictures = ops.einsum("nij,njxc->nixc", rows, pictures)
    return ops.einsum("nxj,nyjc->nyxc", columns, pictures)


def _cut(pictures: Tensor, draws: Tensor) -> Tensor:
    size = pictures.shape[1]
    hole = int(size * _HOLE + 0.5)
    # As in DiffAugment's code, the middle is any pixel of the picture, or the first
    # beyond it.
    first = ops.floor(draws * (size + 1 - hole % 2)) - hole // 2
    distance = ops.arange(size, dtype="float32")[None, None] - first[:, :, None]
    inside = ops.logical_and(distance >= 0, distance < hole)
    hidden = ops.logical_and(inside[:, 0, :, None], inside[:, 1, None, :])
    return pictures * ops.cast(ops.logical_not(hidden), "float32")[..., None]
