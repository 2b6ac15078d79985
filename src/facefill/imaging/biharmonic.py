"""Solver of the biharmonic equation in a hole, with known values around it.

A membrane (``laplace``) meets the level of what is known; what solves this equation
meets its slope as well, as a bent plate does. Near what is known that is the better
guess, and far from it a worse one.

Synopsis::

    filled = biharmonic(values, known)  # float32 (height, width, channels)
    filled = continued(photo, known)  # of a photo, whose pixels are noisy
"""

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask, mean_around

Floats: TypeAlias = NDArray[np.float32]

_SLOPE_SIGMA = 1.5
"""Standard deviation of the blur by which the slope of a photo is measured, in pixels:
two neighbours of a sharp photo say so little that it would overshoot into blobs."""


def biharmonic(values: Floats, known: Mask) -> Floats:
    """Continue values into a hole with their slope.

    It is scikit-image's (Damelin and Hoang 2018): a tenth of a second for 5,000 pixels
    of a hole, two seconds and 0.5 GB for 120,000. What it gives is within the range of
    the known values.

    Args:
        values: float32 (height, width, channels).
        known: bool (height, width), some True and some False; values elsewhere are not
            read.

    Returns:
        float32 of the same shape, equal to ``values`` where they are known.
    """
    from skimage.restoration import inpaint_biharmonic

    # Where it is not known there must be no value either that widens the range.
    least = values[known].min()
    shown = np.where(known[..., None], values, least).astype(np.float32)
    return np.asarray(inpaint_biharmonic(shown, ~known, channel_axis=-1), np.float32)


def continued(photo: Floats, known: Mask) -> Floats:
    """Continue a photo into a hole with its slope, and its detail by a membrane.

    Args:
        photo: float32 (height, width, channels).
        known: bool (height, width), some True and some False; pixels elsewhere are not
            read.

    Returns:
        float32 of the same shape, equal to ``photo`` where it is known.
    """
    mean = mean_around(photo, known, _SLOPE_SIGMA)
    detail = np.where(known[..., None], photo - mean, np.float32(0))
    return biharmonic(mean, known) + membrane(detail, known)


def bending(
    values: Floats, known: Mask, level: Floats, reach: float, shrinkage: float
) -> Floats:
    """What the slope of values adds to their level in a hole, as far as it reaches.

    What solves the equation lies between the known values and the level beyond the
    reach, and meets the slope of both.

    Args:
        values: float32 (height, width, channels); not read where they are unknown.
        known: bool (height, width).
        level: What goes on beyond the reach, equal to the values where they are known,
            such as their membrane; of the shape of the values.
        reach: How far from what is known a slope goes on, in pixels.
        shrinkage: How much smaller the picture is made for it, 1 or more: slopes of
            less than so many pixels are not looked at.

    Returns:
        float32 of the same shape; zero for a hole that is lost in the smaller picture.
    """
    height, width = known.shape
    size = math.ceil(width / shrinkage), math.ceil(height / shrinkage)
    shown = np.where(known[..., None], values, np.float32(0))
    shares, sums, flat = (
        np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA))
        for part in (known.astype(np.float32), shown, level)
    )
    seen = shares > 0.5
    if seen.all() or not seen.any():
        return np.zeros_like(values)
    away = cv2.distanceTransform((~seen).astype(np.uint8), cv2.DIST_L2, 5)
    small = np.where(seen[..., None], sums / np.maximum(shares, 0.5)[..., None], flat)
    bent = biharmonic(small.astype(np.float32), seen | (away > reach / shrinkage))
    enlarged = cv2.resize(bent - flat, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(known[..., None], np.float32(0), enlarged)
