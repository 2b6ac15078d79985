"""Principal component analysis of faces (eigenfaces).

Synopsis::

    statistics = measure(faces, 512, rng)
    write_bytes(path, statistics.packed())
    statistics = FacePca.unpacked(path.read_bytes())
"""

import hashlib
import io
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facefill.errors import DataError, ModelError
from facefill.runtime.packaged_files import from_eight_bits, to_eight_bits

Floats: TypeAlias = NDArray[np.float32]
MAX_BYTES = 2**31
"""Of the faces that are measured, as float32: 43,690 faces of 64 pixels."""
_BYTES = 4
_NUM_FACES_OF_OLD_FILES = 2048
"""Faces that were measured for a file that does not say how many."""
_EXACT, _MOST = 500, 0.8
"""Directions that are decomposed exactly, and the share of more above which they are,
as scikit-learn chooses by itself, but for its third way, by the covariance, whose
float32 cancel."""
_POWER_ITERATIONS = 3
"""Of the randomised decomposition (Halko, Martinsson, Tropp 2011)."""


@dataclass(frozen=True)
class FacePca:
    """Mean and principal components of faces, in grey levels.

    Attributes:
        mean: float32 (S, S, 3).
        components: Of length one and at right angles but for rounding, float32
            (K, S, S, 3).
        variances: Of the weight of each, float64 (K,), the largest first.
        num_faces: Faces that they were measured on.
    """

    mean: Floats
    components: Floats
    variances: NDArray[np.float64]
    num_faces: int = _NUM_FACES_OF_OLD_FILES

    @property
    def image_size(self) -> int:
        """Side of a face in pixels."""
        return len(self.mean)

    @property
    def fingerprint(self) -> str:
        """Hash all that they say; 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for array in (self.mean, self.components, self.variances):
            digest.update(np.ascontiguousarray(array).tobytes())
        # Those of files that do not say it are what they were before it was said.
        if self.num_faces != _NUM_FACES_OF_OLD_FILES:
            digest.update(str(self.num_faces).encode())
        return digest.hexdigest()

    def packed(self) -> bytes:
        """Encode as ``.npz`` with components of 8 bits, a quarter of their size."""
        levels, scales = to_eight_bits(self.components)
        arrays: dict[str, Any] = {
            "mean": self.mean,
            "components": levels,
            "scales": scales,
            "variances": self.variances,
            "num_faces": np.int64(self.num_faces),
        }
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
        return stream.getvalue()

    @classmethod
    def unpacked(cls, content: bytes) -> "FacePca":
        """Decode what ``packed`` made.

        Raises:
            ModelError: If it is something else.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return cls(
                    mean=archive["mean"],
                    components=from_eight_bits(
                        archive["components"], archive["scales"]
                    ),
                    variances=archive["variances"],
                    num_faces=int(archive.get("num_faces", _NUM_FACES_OF_OLD_FILES)),
                )
        except Exception as error:  # whatever numpy and zipfile raise for a bad file
            raise ModelError(f"no statistics of faces ({error})") from error


def measure(faces: Any, num_components: int, rng: np.random.Generator) -> FacePca:
    """Measure faces, as many as there are but for ``MAX_BYTES``.

    Args:
        faces: uint8 (N, S, S, 3), memory-mapped or not, N at least 2.
        num_components: K; fewer if the faces differ in fewer directions.
        rng: Chooses faces if there are too many, and seeds the decomposition.

    Raises:
        DataError: If there are fewer than two faces, or all are equal.
    """
    from sklearn.decomposition import PCA

    if len(faces) < 2:
        raise DataError(
            f"{len(faces)} faces are too few to measure how faces differ; add photos"
        )
    shape = faces.shape[1:]
    count = min(len(faces), MAX_BYTES // (_BYTES * math.prod(shape)))
    rows = np.sort(rng.permutation(len(faces))[:count])
    flat = np.asarray(faces[rows]).reshape(count, -1).astype(np.float32)
    if np.array_equal(flat.min(axis=0), flat.max(axis=0)):
        raise DataError(
            f"all {count} faces are equal, so there is no difference to measure; add "
            "other photos"
        )
    kept = min(num_components, count - 1, flat.shape[1])
    is_small = min(flat.shape) <= _EXACT or kept >= _MOST * min(flat.shape)
    analysis = PCA(
        kept,
        svd_solver="full" if is_small else "randomized",
        iterated_power=_POWER_ITERATIONS,
        random_state=int(rng.integers(2**31)),
        copy=False,
    ).fit(flat)
    variances = analysis.explained_variance_.astype(np.float64)
    # Equal faces have fewer directions than there are faces.
    is_real = variances > 1e-6 * variances[0]
    return FacePca(
        mean=analysis.mean_.astype(np.float32).reshape(shape),
        components=analysis.components_[is_real].reshape(-1, *shape),
        variances=variances[is_real],
        num_faces=count,
    )
