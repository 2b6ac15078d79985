"""Heads and shoulders as other people make them expected, where nothing shows them.

A joint Gaussian model (PCA) of pictures that reach further than a face's crop, of hair,
neck and shoulders: given what is known of one, the rest has an expectation. It is
soft, as what is out of focus, and of the right light and colours.

The statistics are made by ``tools/ship_head_statistics.py``.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.geometry import composed
from facefill.imaging.laplace import membrane
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit
from facefill.models.face_pca import FacePca
from facefill.preparation import face_prior
from facefill.runtime.packaged_files import FOLDER, read_packaged, require_description

FILE, DESCRIPTION = "head_statistics.npz", "head_statistics.json"
SIDE = 40
"""Of a picture of a head, in pixels."""
FIELD = 2.25
"""Of the same, in sides of the face's crop, about the same middle."""
_NOISE = 75.0
"""Standard deviation of a pixel about the components, in grey levels: more than it is,
since what light and background have in common with others' says little of the body."""
_EDGE = 2
"""Pixels at the picture's edge that are not used: photos often ended there."""
_SOFTNESS = 1.5
"""Standard deviation of a blur, in pixels of ``SIDE``: what is guessed has no detail,
and blotches would look like some."""
_BEYOND = 30
"""Pixels of the same size that are expected beyond what is used, on each side."""
_LEAST_KNOWN = 40
"""Pixels of ``SIDE`` x ``SIDE`` without which nothing is expected."""


def head_map(matrix: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Map from a photo to the picture of a head, float64 (2, 3).

    Args:
        matrix: Map from the photo to the face's crop, (2, 3).
        size: Side of the crop in pixels.
    """
    scale = SIDE / (FIELD * size)
    shift = SIDE / 2.0 - scale * size / 2.0
    return composed(np.array([[scale, 0.0, shift], [0.0, scale, shift]]), matrix)


def head_picture(
    photo: Pixels, known: Mask, to_head: NDArray[np.float64]
) -> tuple[Pixels, Mask]:
    """Sample the known pixels of a head.

    Args:
        photo: uint8 RGB (height, width, 3).
        known: bool (height, width).
        to_head: From ``head_map``.

    Returns:
        uint8 RGB (SIDE, SIDE, 3), and which of its pixels are known, bool (SIDE, SIDE).
    """
    view = face_prior.sampled(
        photo.astype(np.float32), known.astype(np.float32), to_head, SIDE
    )
    return np.clip(np.round(view.pixels), 0, 255).astype(np.uint8), view.known


def expected_head(
    photo: Pixels, known: Mask, to_head: NDArray[np.float64]
) -> NDArray[np.float32] | None:
    """Expect a head from what is known of it.

    Args:
        photo: uint8 RGB (height, width, 3); unknown pixels are not read.
        known: bool (height, width).
        to_head: From ``head_map``.

    Returns:
        float32 RGB (height, width, 3); None if next to nothing is known.

    Raises:
        ModelError: If the packaged statistics cannot be used.
    """
    picture, seen = head_picture(photo, known, to_head)
    if seen.sum() < _LEAST_KNOWN:
        return None
    fit = _load()
    mean = np.clip(np.round(fit.statistics.mean), 0, 255).astype(np.uint8)
    expected = fit.fit(mean, Measurement("", picture, seen), detail=0.0)
    to_wide = to_head.copy()
    to_wide[:, 2] += _BEYOND - _EDGE
    return np.asarray(
        cv2.warpAffine(
            _continued(expected[_EDGE:-_EDGE, _EDGE:-_EDGE]),
            to_wide,
            known.shape[::-1],
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def _continued(expected: Pixels) -> NDArray[np.float32]:
    """Blur a picture, and continue it on all sides, the smoother the further away.

    Repeating the pixels at its edge would draw them out into stripes.
    """
    sides = ((_BEYOND, _BEYOND), (_BEYOND, _BEYOND), (0, 0))
    framed = np.pad(expected.astype(np.float32), sides)
    known = np.pad(np.ones(expected.shape[:2], np.bool_), sides[:2])
    wide = cv2.GaussianBlur(membrane(framed, known), (0, 0), _SOFTNESS)
    return np.asarray(wide, np.float32)


@lru_cache(maxsize=1)
def _load() -> GaussianFit:
    sha256 = require_description(FOLDER / DESCRIPTION)["sha256"]
    return GaussianFit(FacePca.unpacked(read_packaged(FOLDER / FILE, sha256)), _NOISE)
