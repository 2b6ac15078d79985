"""Face embeddings of many faces, on all cores.

dlib describes one face at a time on one core, and keeps Python's lock while it does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facefill.evaluation.face_descriptors import LENGTH, describe
from facefill.parameters import AlignOptions, EvaluateOptions
from facefill.parameters.choices import LandmarkSet
from facefill.runtime.batching import groups
from facefill.runtime.parallel import chunk_mapper

_FACES_A_CHUNK = 16
# Fewer are described here before a process would have started.
_FEW = 64
_TIMEOUT_S = 60.0

_Numbered = tuple[int, NDArray[np.uint8]]
_Described = tuple[int, NDArray[np.float64]]


@dataclass(frozen=True)
class Identify:
    """Computes dlib's descriptors of aligned faces.

    Attributes:
        landmarks: Which landmarks are at their places in the faces.
    """

    landmarks: LandmarkSet

    def __call__(self, faces: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Describe faces as ``face_descriptors.describe`` does.

        Args:
            faces: uint8 RGB (N, S, S, 3).

        Returns:
            float64 (N, 128); NaN for a face whose process died of it.
        """
        if len(faces) < _FEW:
            return describe(faces, self.landmarks)
        chunks = groups(enumerate(faces), _FACES_A_CHUNK)
        descriptors = np.empty((len(faces), LENGTH))
        map_chunks = chunk_mapper(workers=None, cluster=None, timeout_s=_TIMEOUT_S)
        for results in map_chunks(_Describing(self.landmarks), chunks):
            for index, descriptor in results:
                descriptors[index] = descriptor
        return descriptors


def identification(
    options: EvaluateOptions, alignment: AlignOptions
) -> Identify | None:
    """What identifies faces, if that is wanted, and faces are aligned for it."""
    is_face = options.identity and alignment.method == "openface"
    return Identify(alignment.landmarks) if is_face else None


@dataclass(frozen=True)
class _Describing:
    """Describes a face in another process; its number goes along."""

    landmarks: LandmarkSet

    def start(self) -> None:
        """Load dlib's model."""
        describe(np.zeros((1, 64, 64, 3), np.uint8), self.landmarks)

    def __call__(self, item: _Numbered) -> _Described:
        """Describe a face."""
        index, face = item
        return index, describe(face[None], self.landmarks)[0]

    def failed(self, item: _Numbered, reason: str) -> _Described:
        """Return NaN for a face that cannot be described."""
        del reason
        return item[0], np.full(LENGTH, np.nan)
