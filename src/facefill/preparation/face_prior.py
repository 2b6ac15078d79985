"""Joint Gaussian model of a face's 68 landmarks and its grey picture.

A face is the mean plus components of normally distributed weight, plus noise that is
independent for each pixel and landmark. Coordinates are those of the model's frame:
the crop of ``geometry`` is the unit square, as a similarity takes a face there, and
the picture shows a margin around it. Of a face that is seen in part, the posterior
mean of the weights is one linear system; it gives the landmarks and the picture of
what is hidden.

Synopsis::

    prior = load()
    seen = prior.view(grey, known, to_frame)
    estimate = prior.posterior(seen, points, deviations)

The packaged statistics are made by ``tools/ship_face_prior.py``.
"""

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from facefill.errors import ModelError
from facefill.imaging import geometry
from facefill.preparation.detection import Box
from facefill.runtime.packaged_files import (
    FOLDER,
    from_eight_bits,
    read_described,
    to_eight_bits,
)

FILE, DESCRIPTION = "face_prior.npz", "face_prior.json"
LOW, HIGH = -0.25, 1.25
"""Edges of the picture in units of the crop."""

# Residuals of neighbouring pixels are correlated: a pixel tells less than its own
# noise, of about 10 grey levels, would have it.
PIXEL_NOISE = 40.0
"""Standard deviation of a pixel about its expectation, in grey levels."""

_FRAME_DEVIATION = 0.03
"""Standard deviation of a frame that some landmarks tell: of its place, in its units,
of its scale and, in radians, of its turn."""

Floats: TypeAlias = NDArray[np.float32]
Points: TypeAlias = NDArray[np.float64]


class View(NamedTuple):
    """What is seen of a face in a frame.

    Attributes:
        pixels: float32 (S, S) or (S, S, 3), grey levels; meaningless where ``known`` is
            False.
        known: bool (S, S).
    """

    pixels: Floats
    known: NDArray[np.bool_]


class Estimate(NamedTuple):
    """A face as the model expects it.

    Attributes:
        pixels: float32 (S, S), grey levels.
        points: float64 (68, 2), x and y in the frame.
    """

    pixels: Floats
    points: Points


@dataclass(frozen=True)
class FacePrior:
    """Mean and principal components of faces.

    Attributes:
        mean_pixels: float32 (S, S), grey levels.
        mean_points: float64 (68, 2).
        pixels: Share of each component in the picture, float32 (K, S, S).
        points: Its share in the landmarks, float64 (K, 68, 2).
        variances: Of the weight of each component, float64 (K,), the largest first.
        box: The detector's box in the frame: x and y of its centre, and its side.
    """

    mean_pixels: Floats
    mean_points: Points
    pixels: Floats
    points: Points
    variances: NDArray[np.float64]
    box: tuple[float, float, float]

    @property
    def side(self) -> int:
        """Side of the picture in pixels."""
        return len(self.mean_pixels)

    def of_landmarks(self, num_landmarks: int) -> "FacePrior":
        """Give the model for a landmark model's points: all 68, or dlib's 5."""
        if num_landmarks == len(self.mean_points):
            return self
        chosen = geometry.LANDMARK_INDICES["five_point"]
        return replace(
            self,
            mean_points=self.mean_points[chosen],
            points=self.points[:, chosen],
        )

    def frame_of(self, box: Box) -> NDArray[np.float64]:
        """Give the map from photo to frame of an upright face in a box, (2, 3)."""
        x, y, side = self.box
        scale = side / (box.right - box.left + 1)
        left = x - scale * (box.left + box.right) / 2.0
        top = y - scale * (box.top + box.bottom) / 2.0
        return np.array([[scale, 0.0, left], [0.0, scale, top]])

    def box_of(self, to_frame: NDArray[np.float64]) -> Box:
        """Give the box in which the detector would see a face of a map (2, 3)."""
        x, y, side = self.box
        back = geometry.inverted(to_frame)
        (centre,) = geometry.applied(back, np.array([(x, y)]))
        half = side * float(np.hypot(back[0, 0], back[1, 0])) / 2.0
        edges = np.rint([*(centre - half), *(centre + half)])
        return Box(*edges.astype(int).tolist())

    def frame_to_picture(self) -> NDArray[np.float64]:
        """Give the map from the frame to the picture's pixels, (2, 3)."""
        scale = self.side / (HIGH - LOW)
        shift = -LOW * scale - 0.5
        return np.array([[scale, 0.0, shift], [0.0, scale, shift]])

    def view(self, grey: Floats, known: Floats, to_frame: NDArray[np.float64]) -> View:
        """See a photo in the model's frame; hidden pixels have no weight.

        Args:
            grey: float32 (height, width), grey levels.
            known: float32 (height, width), 1 = known, 0 = hidden.
            to_frame: Map from photo to frame, (2, 3).
        """
        matrix = geometry.composed(self.frame_to_picture(), to_frame)
        return sampled(grey, known, matrix, self.side)

    def posterior(
        self, seen: View, points: Points, deviations: NDArray[np.float64]
    ) -> Estimate:
        """Expect a face by what is seen of it.

        Args:
            seen: Its picture in the frame.
            points: Its landmarks as measured, float64 (68, 2), in the frame.
            deviations: Standard deviation of each measurement, in the frame's units;
                infinite for one that says nothing. float64 (68,).
        """
        components = self.pixels[:, seen.known] / np.float32(PIXEL_NOISE)
        missing = (seen.pixels - self.mean_pixels)[seen.known] / PIXEL_NOISE
        measured = np.isfinite(deviations)
        scale = 1.0 / deviations[measured, None]
        places = (self.points[:, measured] * scale).reshape(len(self.points), -1)
        offset = ((points - self.mean_points)[measured] * scale).ravel()
        system = (components @ components.T).astype(np.float64) + places @ places.T
        system[np.diag_indices_from(system)] += 1.0 / self.variances
        wanted = components @ missing + places @ offset
        weights = cho_solve(cho_factor(system, lower=True), wanted)
        pixels = self.mean_pixels + np.tensordot(
            weights.astype(np.float32), self.pixels, axes=1
        )
        points = self.mean_points + np.tensordot(weights, self.points, axes=1)
        return Estimate(pixels, points)

    def landmarks_by(self, points: Points, deviations: NDArray[np.float64]) -> Points:
        """Expect a face's landmarks by some of them, whatever the picture shows.

        The frame may be off, too: by a similarity, since some landmarks alone tell it.

        Args:
            points: Landmarks as measured, float64 (68, 2), in the frame.
            deviations: As of ``posterior``.

        Returns:
            float64 (68, 2), in the frame.
        """
        arms = self.mean_points - self.mean_points.mean(axis=0)
        moved = np.zeros((4, *arms.shape))
        moved[0, :, 0], moved[1, :, 1] = 1.0, 1.0
        moved[2], moved[3] = arms, arms[:, ::-1] * (-1.0, 1.0)
        spread = np.sqrt(self.variances)[:, None, None] * self.points
        every = np.concatenate([spread, _FRAME_DEVIATION * moved])
        measured = np.isfinite(deviations)
        scale = 1.0 / deviations[measured, None]
        places = (every[:, measured] * scale).reshape(len(every), -1)
        offset = ((points - self.mean_points)[measured] * scale).ravel()
        system = np.eye(len(every)) + places @ places.T
        weights = cho_solve(cho_factor(system, lower=True), places @ offset)
        return np.asarray(self.mean_points + np.tensordot(weights, every, axes=1))

    def packed(self) -> bytes:
        """Write an ``.npz`` whose components have 8 bits."""
        arrays: dict[str, Any] = {
            "mean_pixels": self.mean_pixels,
            "mean_points": self.mean_points,
            "variances": self.variances,
            "box": np.array(self.box),
        }
        for name in ("pixels", "points"):
            levels, scales = to_eight_bits(getattr(self, name))
            arrays |= {name: levels, f"{name}_scales": scales}
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
        return stream.getvalue()

    @classmethod
    def unpacked(cls, content: bytes) -> "FacePrior":
        """Read what ``packed`` wrote.

        Raises:
            ModelError: If it is something else.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                x, y, side = archive["box"].tolist()
                return cls(
                    mean_pixels=archive["mean_pixels"],
                    mean_points=archive["mean_points"],
                    pixels=_unpacked(archive, "pixels"),
                    points=_unpacked(archive, "points").astype(np.float64),
                    variances=archive["variances"],
                    box=(x, y, side),
                )
        except Exception as error:  # whatever numpy and zipfile raise for a bad file
            raise ModelError(f"no joint statistics of faces ({error})") from error


def _unpacked(archive: Any, name: str) -> Floats:
    return from_eight_bits(archive[name], archive[f"{name}_scales"])


def sampled(
    picture: Floats, known: Floats, matrix: NDArray[np.float64], side: int
) -> View:
    """Sample the known pixels of a photo; hidden ones have no weight.

    Args:
        picture: float32 (height, width) or (height, width, 3), grey levels.
        known: float32 (height, width), 1 = known, 0 = hidden.
        matrix: Map from photo to the pixels sampled, (2, 3).
        side: Pixels a side.
    """
    weighted = picture * (known if picture.ndim == 2 else known[..., None])
    both = np.asarray(cv2.merge([*cv2.split(weighted), known]), np.float32)
    both, matrix = _shrunk(both, matrix)
    seen = cv2.warpAffine(both, matrix, (side, side), flags=cv2.INTER_LINEAR)
    weight = seen[..., -1]
    mean = seen[..., :-1] / np.maximum(weight, 1e-3)[..., None]
    pixels = mean.reshape(side, side, *picture.shape[2:])
    return View(np.asarray(pixels, np.float32), weight > 0.5)


def _shrunk(
    picture: Floats, matrix: NDArray[np.float64]
) -> tuple[Floats, NDArray[np.float64]]:
    """Average blocks of pixels, so that sampling by the map skips next to none."""
    factor = int(1.0 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if factor < 2:
        return picture, matrix
    height, width = picture.shape[:2]
    below, right = -height % factor, -width % factor
    padded = cv2.copyMakeBorder(
        picture, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0.0
    )
    size = (padded.shape[1] // factor, padded.shape[0] // factor)
    small = cv2.resize(padded, size, interpolation=cv2.INTER_AREA)
    # The centre of a block is (factor - 1) / 2 from that of its first pixel.
    shift = (factor - 1) / 2.0
    back = np.array([[factor, 0.0, shift], [0.0, factor, shift]])
    return np.asarray(small, np.float32), geometry.composed(matrix, back)


@lru_cache(maxsize=1)
def load(folder: Path = FOLDER) -> FacePrior:
    """Read the statistics that come with facefill.

    Raises:
        ModelError: If the file is absent, or not the one that was shipped.
    """
    return FacePrior.unpacked(read_described(folder / FILE, folder / DESCRIPTION))
