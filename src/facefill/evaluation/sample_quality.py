"""Sample quality while training: Fréchet and kernel distances to held-out faces.

Distances are between samples and held-out faces, on dlib's descriptors: they are no
Inception scores, and differ from those of other papers by orders of magnitude. Each
stands beside its floor, the distance of as many other held-out faces from the same
ones: what a perfect generator would reach.
"""

import hashlib
import logging
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facefill.evaluation import face_descriptors
from facefill.evaluation.distances import (
    frechet_distance,
    kernel_distance,
    mean_pairwise_distance,
)
from facefill.evaluation.held_out import different_people_first
from facefill.imaging.degradations import block_means
from facefill.imaging.pictures import grid
from facefill.parameters import AlignOptions, TrainOptions
from facefill.parameters.choices import LandmarkSet
from facefill.preparation.face_set import FaceSet
from facefill.preparation.sharded_array import ImageArray
from facefill.preparation.splits import VALIDATION
from facefill.runtime.batching import slices
from facefill.runtime.files import replacing

Faces = NDArray[np.uint8]

LEAST_FACES = 16
"""Below as many of them, distances between sets of faces say nothing."""

_NUM_NEAREST = 8
_NUM_CANDIDATES = 16
_NUM_SEARCHED = 100_000
_COARSE = 16
_NUM_COMPARED = 64

logger = logging.getLogger(__name__)


class Features(Protocol):
    """Feature extractor: faces to numbers to compare them by."""

    def __call__(self, faces: Faces) -> NDArray[np.float64]:
        """Take uint8 (N, S, S, 3), give float64 (N, features)."""


class SampleQuality:
    """Compares samples with held-out faces."""

    def __init__(
        self,
        held_out: Faces,
        count: int,
        landmark_set: LandmarkSet = "innerEyesAndBottomLip",
        cache: Path | None = None,
        inception: Features | None = None,
    ) -> None:
        """Describe the faces to compare with, or read what is known of them.

        Args:
            held_out: Faces in the order to choose from, uint8 (N, S, S, 3).
            count: Samples to compare, with as many held-out faces; half of these
                are needed for the floor, so fewer if there are not twice as many.
            landmark_set: Which landmarks are at their places in the faces.
            cache: Folder for descriptors of the held-out faces.
            inception: Measures the same distances by its features, too.
        """
        self.count = min(count, len(held_out) // 2)
        self._landmark_set = landmark_set
        self._held_out = np.asarray(held_out[: 2 * self.count])
        known = _cached(self._held_out, self._describe, landmark_set, cache)
        self._real, self._others = known[: self.count], known[self.count :]
        self._inception = inception
        self._floor = _distances("face", self._others, self._real, "_floor")
        if inception is not None:
            # Features of a network are many, and cheap to find anew once a run.
            features = inception(self._held_out)
            self._inception_real = features[: self.count]
            others = features[self.count :]
            self._floor |= _distances(
                "inception", others, self._inception_real, "_floor"
            )

    def assess(self, samples: Faces) -> dict[str, float]:
        """Measure samples, uint8 (count, S, S, 3).

        Returns:
            By name: ``face_frechet`` and ``face_kernel``, their floors, and
            ``face_diversity``, the mean distance between samples over that between
            held-out faces; with Inception ``inception_fid`` and ``inception_kid``.
        """
        made = self._describe(samples)
        diversity = mean_pairwise_distance(made) / mean_pairwise_distance(self._real)
        values = _distances("face", made, self._real) | self._floor
        values["face_diversity"] = diversity
        if self._inception is not None:
            features = self._inception(samples)
            values |= _distances("inception", features, self._inception_real)
        return values

    def nearest(
        self, samples: Faces, photos: ImageArray
    ) -> tuple[dict[str, float], NDArray[np.uint8]]:
        """Look for training faces that samples may be copies of.

        The 16 training faces nearest by coarse pixels, mirrored ones too, are
        compared by descriptors. The same is done for held-out faces, which training
        cannot have copied: where samples are much nearer than those, it copies.

        Args:
            samples: uint8 (N, S, S, 3); the first eight are looked at.
            photos: Of the training split; an even choice of 100,000 is searched.

        Returns:
            Mean distances ``nearest_sample`` and ``nearest_held_out``, and a picture
            of the samples above the training faces nearest to them.
        """
        chosen = samples[:_NUM_NEAREST]
        nearest, distances = self._nearest(chosen, photos)
        _, floor = self._nearest(self._held_out[:_NUM_NEAREST], photos)
        strip = grid(np.concatenate([chosen, nearest]), columns=len(chosen))
        return {
            "nearest_sample": float(distances.mean()),
            "nearest_held_out": float(floor.mean()),
        }, strip

    def _nearest(
        self, faces: Faces, photos: ImageArray
    ) -> tuple[Faces, NDArray[np.float64]]:
        nearest, distances = [], []
        for face, own in zip(faces, self._describe(faces), strict=True):
            rows = _alike(face, photos)
            between = np.linalg.norm(self._describe(photos[rows]) - own, axis=1)
            nearest.append(photos[rows[int(between.argmin())]])
            distances.append(between.min())
        return np.stack(nearest), np.array(distances)

    def _describe(self, faces: Faces) -> NDArray[np.float64]:
        return face_descriptors.describe(faces, self._landmark_set)


def assessor(
    faces: FaceSet,
    options: TrainOptions,
    alignment: AlignOptions,
    seed: int,
    cache: Path,
) -> SampleQuality | None:
    """Make what compares samples with held-out faces, as the parameters say.

    The checkpoint is chosen by what it says, so that its people are those of the
    validation and not those of the test.

    Args:
        faces: The training set with its splits.
        options: Of training.
        alignment: How the faces were aligned.
        seed: Of the choice of faces. People with many photos come last, so that they
            are of as many people as can be.
        cache: Folder for descriptors.

    Returns:
        None if it is switched off, the pictures are no aligned faces, or too few
        are held out.

    Raises:
        ModelError: If the file of Inception's weights is absent or wrong.
    """
    if options.evaluate_every == 0:
        return None
    if alignment.method != "openface":
        logger.info("samples are not compared: descriptors are of aligned faces only")
        return None
    ordered = different_people_first(faces, VALIDATION, seed)
    rows = ordered[: 2 * options.evaluate_samples]
    if len(rows) < 2 * LEAST_FACES:
        logger.info(
            "%d faces are held out for validation, and %d are needed to compare "
            "samples with; the training goes without",
            len(rows),
            2 * LEAST_FACES,
        )
        return None
    inception: Features | None = None
    if options.inception_weights is not None:
        from facefill.evaluation.inception import InceptionFeatures

        inception = InceptionFeatures(Path(options.inception_weights))
    return SampleQuality(
        faces.images[rows],
        options.evaluate_samples,
        alignment.landmarks,
        cache,
        inception,
    )


def pixel_diversity(samples: Faces, photos: ImageArray) -> float:
    """Measure how different samples are, over how different photos are.

    Both by the mean distance between pairs of coarse pictures; cheap enough for every
    grid of samples.

    Args:
        samples: uint8 (N, S, S, 3), at least two.
        photos: Of the training split; an even choice of 64 is looked at.
    """
    rows = np.linspace(0, len(photos) - 1, min(len(photos), _NUM_COMPARED))
    real = mean_pairwise_distance(_coarse(photos[rows.astype(int)]))
    return mean_pairwise_distance(_coarse(samples)) / max(real, np.finfo(float).eps)


def _distances(
    prefix: str,
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    suffix: str = "",
) -> dict[str, float]:
    names = {"face": ("frechet", "kernel"), "inception": ("fid", "kid")}[prefix]
    return {
        f"{prefix}_{names[0]}{suffix}": frechet_distance(a, b),
        f"{prefix}_{names[1]}{suffix}": kernel_distance(a, b),
    }


def _cached(
    faces: Faces, features: Features, landmark_set: str, folder: Path | None
) -> NDArray[np.float64]:
    """Read the features of faces from a file named by their hash, or find them."""
    if folder is None:
        return features(faces)
    made_of = hashlib.sha256(np.ascontiguousarray(faces).tobytes())
    made_of.update(f"{face_descriptors.PACKAGED_SHA256} {landmark_set}".encode())
    path = folder / f"{made_of.hexdigest()[:32]}.npy"
    try:
        cached = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        cached = np.empty(())
    if cached.shape != (len(faces), face_descriptors.LENGTH):
        cached = features(faces)
        with replacing(path, suffix=".npy") as temporary:
            np.save(temporary, cached)
    return np.asarray(cached, np.float64)


def _alike(face: Faces, photos: ImageArray) -> NDArray[np.int64]:
    """Find the photos nearest to a face by coarse pixels, mirrored or not."""
    wanted = _coarse(np.stack([face, face[:, ::-1]]))
    step = max(1, len(photos) // _NUM_SEARCHED)
    rows = np.arange(0, len(photos), step)
    distances = np.empty(len(rows))
    for part in slices(len(rows)):
        coarse = _coarse(photos[rows[part]])
        between = np.linalg.norm(coarse[:, None] - wanted, axis=2)
        distances[part] = between.min(axis=1)
    return rows[np.argsort(distances, kind="stable")[:_NUM_CANDIDATES]]


def _coarse(faces: Faces) -> NDArray[np.float64]:
    """Average over blocks to at most 16x16 pixels, and take brightness away."""
    factor = max(faces.shape[1] // _COARSE, 1)
    means = block_means(faces, factor).reshape(len(faces), -1)
    return np.asarray(means - means.mean(axis=1, keepdims=True))
