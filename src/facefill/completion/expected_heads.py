"""Heads and shoulders as other people make them expected, where nothing shows them.

A joint Gaussian model (PCA) of small pictures of heads: given what is known of one, the
rest has an expectation. It is a blur of the right light and colours, from which a
network paints (``painted_heads``).

The statistics are made by ``tools/ship_head_statistics.py``.
"""

from functools import lru_cache

import numpy as np

from facefill.completion.head_pictures import shrunk
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit
from facefill.models.face_pca import FacePca
from facefill.runtime.packaged_files import FOLDER, read_described

FILE, DESCRIPTION = "head_statistics.npz", "head_statistics.json"
EXPECTED_SIDE = 40
"""Of an expected picture of a head, in pixels."""
_NOISE = 75.0
"""Standard deviation of a pixel about the components, in grey levels: more than it is,
since what light and background have in common with others' says little of the body."""


def expected_head(picture: Pixels, known: Mask) -> Pixels:
    """Expect a head from what is known of it.

    Args:
        picture: From ``head_pictures.head_picture``; unknown pixels are not read.
        known: Its known pixels.

    Returns:
        uint8 RGB (EXPECTED_SIDE, EXPECTED_SIDE, 3).

    Raises:
        ModelError: If the packaged statistics cannot be used.
    """
    small, seen = shrunk(picture, known, EXPECTED_SIDE)
    fit = _load()
    mean = np.clip(np.round(fit.statistics.mean), 0, 255).astype(np.uint8)
    return fit.fit(mean, Measurement("", small, seen), detail=0.0)


@lru_cache(maxsize=1)
def _load() -> GaussianFit:
    content = read_described(FOLDER / FILE, FOLDER / DESCRIPTION)
    return GaussianFit(FacePca.unpacked(content), _NOISE)
