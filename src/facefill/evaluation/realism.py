"""How real completions look beside photos: P-IDS, U-IDS and Fréchet distance.

Synopsis::

    looks = Realism(true_descriptors, other_descriptors, resamples=1000, seed=1)
    looks.of(completed_descriptors)["p_ids"]

All three are of descriptors of pictures, such as those of ``perceptual``, one row a
picture. None compares a completion with its own original, pixel by pixel: what is
another face than the true one, but a face, is real.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facefill.errors import DataError
from facefill.evaluation.bootstrap import bootstrap_interval, interval_of, resampled
from facefill.runtime.rng import Purpose, keyed_rng

Descriptors = NDArray[np.float64]

LEAST_FACES = 16
"""Below as many of them, sets of faces cannot be told from each other."""

_FOLDS = 10
_PENALTY = 0.01
"""Of the support vectors' errors, for descriptors of unit variance: with few faces and
hundreds of channels a higher one fits the faces by heart."""
_FRECHET_RESAMPLES = 200
"""A distance takes milliseconds, not microseconds as a mean does."""


class Discriminability(NamedTuple):
    """What a linear classifier of photos and completions says of each pair.

    Attributes:
        is_preferred: 1 where the completion is taken for more real than its original,
            (N,); the mean is P-IDS, 0.5 at best.
        errors: Share of the two that it takes for what they are not, (N,); the mean is
            U-IDS, 0.5 at best.
    """

    is_preferred: NDArray[np.float64]
    errors: NDArray[np.float64]


def discriminability(
    real: Descriptors, completed: Descriptors, seed: int
) -> Discriminability:
    """Train a linear support vector machine to tell completions from photos.

    The paired and unpaired inception discriminative scores of Zhao et al. 2021 (Large
    Scale Image Completion via Co-Modulated GANs, arXiv 2103.10428), but for two things:
    they are by the descriptors that are given, and each pair is judged by a machine
    that has not seen it, one of ten. Theirs has seen all that it judges, which are tens
    of thousands; a few hundred it would know by heart.

    Args:
        real: Of the photos, (N, channels).
        completed: Of the completions of the same photos, in the same order.
        seed: Of the choice of pairs that are judged together.

    Raises:
        DataError: If there are fewer than sixteen pairs.
    """
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    _require_enough(len(real))
    is_preferred, errors = np.empty(len(real)), np.empty(len(real))
    order = keyed_rng(seed, Purpose.EVALUATION, 2).permutation(len(real))
    for judged in np.array_split(order, min(_FOLDS, len(real))):
        seen = np.setdiff1d(order, judged)
        scaler = StandardScaler().fit(np.concatenate([real[seen], completed[seen]]))
        is_real = np.repeat([1, 0], len(seen))
        machine = LinearSVC(C=_PENALTY, dual=False, random_state=0)
        pictures = np.concatenate([real[seen], completed[seen]])
        machine.fit(scaler.transform(pictures), is_real)
        of_real, of_completed = (
            machine.decision_function(scaler.transform(each[judged]))
            for each in (real, completed)
        )
        # What is exactly alike is preferred half the time.
        is_preferred[judged] = 0.5 * (1.0 + np.sign(of_completed - of_real))
        errors[judged] = 0.5 * ((of_real < 0.0) + 1.0 * (of_completed >= 0.0))
    return Discriminability(is_preferred, errors)


class Realism:
    """Compares completions of photos with photos of other people."""

    def __init__(
        self, real: Descriptors, others: Descriptors, resamples: int, seed: int
    ) -> None:
        """Measure the floor: how far the photos themselves are from the others.

        Args:
            real: Of the photos that are completed, intact, (N, channels).
            others: Of photos of other people, (M, channels).
            resamples: Bootstrap resamples behind each interval.
            seed: Of all draws.

        Raises:
            DataError: If there are fewer than sixteen of either.
        """
        _require_enough(min(len(real), len(others)))
        self._real, self._others = real, others
        self._resamples, self._seed = resamples, seed
        self.floor = frechet_of_few(real, others)
        self._rows = resampled(len(real), min(resamples, _FRECHET_RESAMPLES), seed)
        self._floors = np.array(
            [frechet_of_few(real[rows], others) for rows in self._rows]
        )

    def of(self, completed: Descriptors) -> dict[str, float]:
        """Judge completions of the photos, in their order.

        Returns:
            ``p_ids``, ``u_ids`` and ``frechet_excess``, each with its 95 % interval
            ``_low`` and ``_high``; ``frechet``, and ``frechet_floor``, what photos
            reach. The distance itself grows with every face that is drawn twice, so
            that resamples bound only its excess over the floor.
        """
        said = discriminability(self._real, completed, self._seed)
        distance = frechet_of_few(completed, self._others)
        excess = [frechet_of_few(completed[rows], self._others) for rows in self._rows]
        found = {
            "frechet": distance,
            "frechet_floor": self.floor,
            "frechet_excess": distance - self.floor,
        }
        bounds = interval_of(np.array(excess) - self._floors)
        found["frechet_excess_low"], found["frechet_excess_high"] = bounds
        for name, values in zip(("p_ids", "u_ids"), said, strict=True):
            low, high = bootstrap_interval(values, self._resamples, self._seed)
            found |= {
                name: float(values.mean()),
                f"{name}_low": low,
                f"{name}_high": high,
            }
        return found


def frechet_of_few(a: Descriptors, b: Descriptors) -> float:
    """Fréchet distance of fewer faces than channels, as ``frechet_distance`` gives it.

    trace((C_1 C_2)^(1/2)) is the sum of the singular values of A B^T, where the rows of
    A and B are the faces, centred and divided by the root of their number less one:
    C_1 = A^T A, so that C_1 C_2 has the eigenvalues of (A B^T)(A B^T)^T.

    Args:
        a: Descriptors, float64 (faces, channels).
        b: The same of other faces, of any number.
    """
    centred = [(x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (a, b)]
    difference = a.mean(axis=0) - b.mean(axis=0)
    spread = sum(float(np.square(x).sum()) for x in centred)
    overlap = float(np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum())
    return max(0.0, float(difference @ difference) + spread - 2.0 * overlap)


def _require_enough(count: int) -> None:
    if count < LEAST_FACES:
        raise DataError(
            f"{count} faces are too few to tell how real completions look; "
            f"{LEAST_FACES} are needed"
        )
