"""Views of whole pictures, as an encoder is shown them: masked, coarse, grey or noisy.

Of eight pictures, five are under masks of six kinds, one is coarse, one is grey, and
one is noisy: what a search is given of a face.
"""

from typing import NamedTuple

import numpy as np
from keras import ops

from facefill.backend.types import Tensor
from facefill.imaging.colour import LUMINANCE_WEIGHTS
from facefill.imaging.degradations import block_side
from facefill.imaging.masks import build_mask
from facefill.inversion.encoder import encoder_input
from facefill.parameters.choices import MaskName
from facefill.runtime.rng import Purpose, keyed_rng

MASKS: tuple[MaskName, ...] = (
    "center",
    "random",
    "half",
    "pattern",
    "strokes",
    "grid",
)
_NUM_MASKS = 512
_NUM_NOISES = 256
_NOISES = (5.0, 50.0)
"""Least and largest standard deviation of a noisy picture, in grey levels."""
_MASKED, _COARSE, _GREY, _NOISY = range(4)
_SHARES = (5 / 8, 1 / 8, 1 / 8, 1 / 8)
"""Of the pictures that are shown masked, coarse, grey and noisy."""


class View(NamedTuple):
    """How each picture of a batch is shown.

    Attributes:
        masks: Which mask, int32 (N,).
        kinds: Masked, coarse, grey or noisy, int32 (N,).
        noises: Which noise, int32 (N,).
        levels: Its standard deviation, 2.0 being the range of a pixel, float32 (N,).
    """

    masks: Tensor
    kinds: Tensor
    noises: Tensor
    levels: Tensor


def draw_view(rng: np.random.Generator, count: int) -> View:
    """Draw how pictures are shown.

    Args:
        rng: Source of random numbers.
        count: Pictures.
    """
    return View(
        masks=rng.integers(0, _NUM_MASKS, count, np.int32),
        kinds=rng.choice(len(_SHARES), count, p=_SHARES).astype(np.int32),
        noises=rng.integers(0, _NUM_NOISES, count, np.int32),
        levels=(rng.uniform(*_NOISES, count) / 127.5).astype(np.float32),
    )


class Viewer:
    """Makes of whole pictures what is seen of them, on the device."""

    def __init__(self, size: int, seed: int) -> None:
        """Draw the masks and the noises.

        Args:
            size: Side of a picture in pixels.
            seed: Seed of the noises.
        """
        masks = [
            build_mask(MASKS[number % len(MASKS)], size, seed=number)
            for number in range(_NUM_MASKS)
        ]
        rng = keyed_rng(seed, Purpose.ENCODER_NOISES)
        noises = rng.standard_normal((_NUM_NOISES, size, size, 3), np.float32)
        self._factor = block_side(size)
        self._masks = ops.convert_to_tensor(np.stack(masks)[..., None], "float32")
        self._noises = ops.convert_to_tensor(noises)

    def show(self, pictures: Tensor, view: View) -> Tensor:
        """Show each picture as its view says.

        Args:
            pictures: (N, S, S, 3) in [-1, 1].
            view: How each is shown.

        Returns:
            ``encoder_input`` of them, (N, S, S, 4).
        """
        factor, size = self._factor, pictures.shape[1]
        blocks = (-1, size // factor, factor, size // factor, factor, 3)
        coarse = ops.mean(ops.reshape(pictures, blocks), axis=(2, 4))
        coarse = ops.repeat(ops.repeat(coarse, factor, axis=1), factor, axis=2)
        grey = ops.sum(pictures * ops.array(LUMINANCE_WEIGHTS), axis=-1, keepdims=True)
        noise = ops.take(self._noises, view.noises, axis=0)
        noisy = ops.clip(pictures + view.levels[:, None, None, None] * noise, -1.0, 1.0)
        kinds = view.kinds[:, None, None, None]
        for kind, changed in ((_COARSE, coarse), (_GREY, grey), (_NOISY, noisy)):
            pictures = ops.where(kinds == kind, changed, pictures)
        masks = ops.take(self._masks, view.masks, axis=0)
        return encoder_input(pictures, ops.where(kinds == _MASKED, masks, 1.0))
