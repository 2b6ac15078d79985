"""Conditional mean of the hidden pixels under a PCA (Gaussian) model of faces.

If a face is the mean of all plus components of normally distributed weight, plus
noise, then what is missing of it has an expectation: one linear system in the
weights. Alone it is a blurred face, but right in light, colour and pose.

A search uses it for what its generator cannot draw: the difference between the known
pixels and G(z) is continued into the hole.
"""

import logging
import math
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from facefill.imaging.masks import Mask
from facefill.inversion.measurement import Measurement
from facefill.models.face_pca import FacePca, Floats
from facefill.parameters import CompleteOptions

logger = logging.getLogger(__name__)

ENOUGH_FACES = 4096
"""Faces from which on components are as much to be believed as those of more."""
_SYSTEMS_KEPT = 4


class GaussianFit:
    """Fits generated faces to measurements by a PCA model.

    Attributes:
        statistics: The PCA of faces.
    """

    def __init__(self, statistics: FacePca, noise: float) -> None:
        """Take the model.

        Args:
            statistics: PCA of faces.
            noise: Standard deviation of a pixel around it, in grey levels.
        """
        self.statistics = statistics
        self.noise = noise
        self._variance = noise**2
        # Photos often share mask and degradation, on which alone a system depends.
        self._systems: OrderedDict[Hashable, tuple[Floats, Any]] = OrderedDict()

    def fit(
        self, generated: NDArray[np.uint8], measurement: Measurement, detail: float
    ) -> NDArray[np.uint8]:
        """Correct a generated face by what is known of the true one.

        With E the expectation, y the face, m the mean and b = detail * G(z) +
        (1 - detail) * m:

            fitted = b + E(y - b given what is known of it)

        which for ``detail`` 0 is the expectation of the face, whatever was generated.

        Args:
            generated: G(z), uint8 (S, S, 3).
            measurement: What is known of the face.
            detail: Share of G(z) beside the mean, in [0, 1].

        Returns:
            uint8 (S, S, 3); what is known is near the face's, not equal to it.
        """
        mean = self.statistics.mean
        base = mean + np.float32(detail) * (generated.astype(np.float32) - mean)
        components, system = self._system(measurement)
        both = np.stack([measurement.face.astype(np.float32), base])
        of_face, of_base = measurement.measure(both)
        weights = cho_solve(system, components @ (of_face - of_base))
        change = np.tensordot(
            weights.astype(np.float32), self.statistics.components, axes=1
        )
        return np.asarray(np.clip(np.round(base + change), 0, 255), np.uint8)

    def fit_group(
        self,
        generated: NDArray[np.uint8],
        faces: NDArray[np.uint8],
        mask: Mask,
        detail: float,
    ) -> NDArray[np.uint8]:
        """Correct the generated faces of many that share a hole; see ``fit``.

        Args:
            generated: G(z), uint8 (N, S, S, 3).
            faces: uint8 (N, S, S, 3).
            mask: Known pixels of each, bool (S, S), True = known.
            detail: Share of G(z) beside the mean, in [0, 1].

        Returns:
            uint8 (N, S, S, 3), as ``fit`` gives them but for rounding.
        """
        measurement = Measurement("", faces[0], mask)
        mean = self.statistics.mean
        base = mean + np.float32(detail) * (generated.astype(np.float32) - mean)
        components, system = self._system(measurement)
        apart = measurement.measure(faces.astype(np.float32) - base)
        weights = cho_solve(system, components @ apart.T).T.astype(np.float32)
        change = np.tensordot(weights, self.statistics.components, axes=1)
        return np.asarray(np.clip(np.round(base + change), 0, 255), np.uint8)

    def _system(self, measurement: Measurement) -> tuple[Floats, Any]:
        """Measured components, (K, numbers), and the factored system, (K, K)."""
        mask, degradation = measurement.mask, measurement.degradation
        key = (mask.tobytes(), degradation)
        if key not in self._systems:
            known = measurement.measure(self.statistics.components)
            variance = degradation.variance(self._variance, len(mask))
            matrix = (known @ known.T).astype(np.float64)
            matrix[np.diag_indices_from(matrix)] += variance / self.statistics.variances
            self._systems[key] = (known, cho_factor(matrix, lower=True))
            if len(self._systems) > _SYSTEMS_KEPT:
                self._systems.popitem(last=False)
        return self._systems[key]


def gaussian_fit_of(
    options: CompleteOptions, statistics: FacePca | None, image_size: int
) -> GaussianFit | None:
    """Fit that the options ask for; None if they do not, or without statistics.

    Args:
        options: Options of the search.
        statistics: PCA of faces, if there is one.
        image_size: Side of a face in pixels.
    """
    if options.fit == "none":
        return None
    if statistics is None or statistics.image_size != image_size:
        logger.warning(
            "there are no statistics of faces of %d pixels, so completions are not "
            "fitted to the known pixels; the pipeline train measures them",
            image_size,
        )
        return None
    return GaussianFit(statistics, noise_of(options.fit_noise, statistics.num_faces))


def noise_of(noise: float, num_faces: int) -> float:
    """Standard deviation of a pixel around components of so many faces.

    Components of few faces are in part those of these faces alone, and what they make
    of known pixels is less to be believed: the error of a component falls with the root
    of the number of faces, until what is left is what no component explains.

    Args:
        noise: Deviation around components of ``ENOUGH_FACES`` faces, in grey levels.
        num_faces: Number of faces that were measured.
    """
    return noise * math.sqrt(ENOUGH_FACES / min(num_faces, ENOUGH_FACES))
