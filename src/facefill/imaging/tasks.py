"""Restoration tasks: a hole to fill, or a degradation to undo, by its parameter name.

Synopsis::

    mask, degradation = task_of("colorize", 64, options)

The parameter ``mask`` names both. Most of its values are shapes of a hole; ``lowres``,
``denoise`` and ``colorize`` hide every pixel and leave another measurement instead. No
other module knows which is which.
"""

from typing import NamedTuple

import numpy as np

from facefill.imaging.degradations import (
    Decolorization,
    Degradation,
    Denoising,
    Downsampling,
    Inpainting,
)
from facefill.imaging.masks import Mask, build_mask
from facefill.parameters import CompleteOptions, MaskName


class Task(NamedTuple):
    """What is known of a face.

    Attributes:
        mask: Pixels that are known as they are, bool (S, S), True = known.
        degradation: How the rest was lost.
    """

    mask: Mask
    degradation: Degradation


def task_of(name: MaskName, size: int, options: CompleteOptions, seed: int = 0) -> Task:
    """Mask and degradation of a value of the parameter ``mask``.

    Args:
        name: ``lowres``, ``denoise``, ``colorize``, or a shape of ``build_mask``.
        size: Side of the face in pixels.
        options: Sizes of the shapes, and the noise that ``denoise`` takes away.
        seed: Seed of random shapes, at least 0.

    Raises:
        MaskError: If the name is unknown.
    """
    without_hole: dict[MaskName, Degradation] = {
        "lowres": Downsampling(),
        "denoise": Denoising(options.noise),
        "colorize": Decolorization(),
    }
    if name in without_hole:
        return Task(np.zeros((size, size), np.bool_), without_hole[name])
    mask = build_mask(
        name,
        size,
        center_scale=options.center_scale,
        random_fraction=options.random_fraction,
        strokes=options.strokes,
        seed=seed,
    )
    return Task(mask, Inpainting())
