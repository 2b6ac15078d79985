"""Baselines: classical inpainting, the nearest face and the mean face.

OpenCV's two inpainting methods and scikit-image's continue what surrounds the hole;
the nearest face is the best that could be copied; the mean face
is the best guess without looking. Masks that leave no pixel to continue have
baselines of their own: bicubic enlargement for ``lowres``, non-local means for
``denoise``.

A face is uint8 RGB of shape (size, size, 3); a mask is bool (size, size), True =
known. Known pixels come out as they went in, and nothing depends on what is
under the hole.
"""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.restoration import inpaint_biharmonic

from facefill.errors import DataError, MaskError
from facefill.imaging.compositing import complete_face
from facefill.imaging.degradations import block_means
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.preparation.sharded_array import ImageArray
from facefill.runtime.batching import slices

INPAINT_RADIUS_PX = 3
NON_LOCAL_STRENGTH = 0.6
"""Strength of the filter over that of the noise; of 0.3 to 1 the best for 48 held-out
faces."""

_FACES_AT_A_TIME = 256


def telea(face: Pixels, mask: Mask) -> Pixels:
    """Complete by Telea's fast marching (2004), radius 3.

    Raises:
        MaskError: If no pixel is known.
    """
    return _inpaint(face, mask, cv2.INPAINT_TELEA)


def navier_stokes(face: Pixels, mask: Mask) -> Pixels:
    """Complete by fluid dynamics (Bertalmio, Bertozzi, Sapiro 2001), radius 3.

    Raises:
        MaskError: If no pixel is known.
    """
    return _inpaint(face, mask, cv2.INPAINT_NS)


def biharmonic(face: Pixels, mask: Mask) -> Pixels:
    """Complete by the biharmonic equation (Damelin and Hoang 2018), scikit-image's.

    Raises:
        MaskError: If no pixel is known.
    """
    if not mask.any():
        raise MaskError("no pixel is known, so there is nothing to continue")
    visible = np.where(mask[..., None], face, np.uint8(0)).astype(np.float64)
    filled = inpaint_biharmonic(visible / 255.0, ~mask, channel_axis=-1)
    pixels = np.clip(np.round(filled * 255.0), 0, 255).astype(np.uint8)
    return complete_face(face, pixels, mask)


def nearest_face(face: Pixels, mask: Mask, faces: ImageArray) -> Pixels:
    """Fill the hole with that of the face that is nearest by the known pixels.

    Args:
        face: The face to complete.
        mask: Known pixels.
        faces: uint8 (N, size, size, 3), memory-mapped or not.

    Raises:
        MaskError: If no pixel is known.
        DataError: If there is no face.
    """
    if not mask.any():
        raise MaskError("no pixel is known, so no face is nearer than another")
    if len(faces) == 0:
        raise DataError("no face to take the nearest of")
    nearest = int(np.argmin(known_distances(faces, face, mask)))
    return complete_face(face, np.asarray(faces[nearest]), mask)


def _inpaint(face: Pixels, mask: Mask, method: int) -> Pixels:
    if not mask.any():
        raise MaskError("no pixel is known, so there is nothing to continue")
    visible = np.where(mask[..., None], face, np.uint8(0))
    hole = (~mask).astype(np.uint8)
    painted = cv2.inpaint(visible, hole, INPAINT_RADIUS_PX, method)
    return complete_face(face, np.asarray(painted, np.uint8), mask)


def mean_face(faces: ImageArray) -> Pixels:
    """Average many faces.

    Args:
        faces: uint8 (N, size, size, 3), in memory or not; read a few hundred at a
            time.

    Returns:
        uint8 (size, size, 3), rounded.

    Raises:
        DataError: If there is no face.
    """
    if len(faces) == 0:
        raise DataError("no face to average")
    total = np.zeros(faces.shape[1:], np.uint64)
    for rows in slices(len(faces), _FACES_AT_A_TIME):
        total += np.asarray(faces[rows]).sum(axis=0, dtype=np.uint64)
    return np.round(total / len(faces)).astype(np.uint8)


def bicubic(face: Pixels, factor: int) -> Pixels:
    """Average blocks of ``factor`` x ``factor`` pixels and enlarge the means again.

    Args:
        face: uint8 RGB; its side is a multiple of ``factor``.
        factor: Side of a block in pixels.

    Returns:
        uint8, in the size of the face.
    """
    means = block_means(face[None], factor)[0].astype(np.float32)
    enlarged = cv2.resize(means, face.shape[:2], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(np.round(enlarged), 0, 255), np.uint8)


def non_local_means(face: Pixels, noise: float) -> Pixels:
    """Denoise by non-local means (Buades, Coll, Morel 2005), OpenCV's.

    Args:
        face: uint8 RGB, all of it noisy.
        noise: Standard deviation of the noise in grey levels.
    """
    strength = NON_LOCAL_STRENGTH * noise
    cleaned = cv2.fastNlMeansDenoisingColored(face, None, strength, strength)
    return np.asarray(cleaned, np.uint8)


def known_distances(
    pictures: ImageArray, face: Pixels, mask: Mask
) -> NDArray[np.int64]:
    """L1 distances of many pictures from a face over its known pixels.

    Args:
        pictures: uint8 (N, height, width, 3), memory-mapped or not; read a few
            hundred at a time.
        face: One face.
        mask: Known pixels, bool (height, width), True = known.

    Returns:
        Sums of absolute differences in grey levels, (N,).
    """
    # Hidden pixels are made equal instead of left out, which would copy all others.
    known = np.where(mask[..., None], np.uint8(255), np.uint8(0))
    wanted = (face & known).reshape(1, -1)

    def of_some(rows: slice) -> NDArray[np.int32]:
        some = np.asarray(pictures[rows]) & known
        # Of each, the distance to the nearest (K=1) of one face.
        nearest, _ = cv2.batchDistance(
            some.reshape(len(some), -1), wanted, cv2.CV_32S, normType=cv2.NORM_L1, K=1
        )
        return np.asarray(nearest[:, 0], np.int32)

    with ThreadPoolExecutor() as pool:
        distances = pool.map(of_some, slices(len(pictures), _FACES_AT_A_TIME))
        return np.concatenate(list(distances)).astype(np.int64)
