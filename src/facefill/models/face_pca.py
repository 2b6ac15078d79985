"""Principal component analysis of faces (eigenfaces).

Synopsis::

    statistics = measure(faces, 512, rng)
    write_bytes(path, statistics.packed())
    statistics = FacePca.unpacked(path.read_bytes())
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from facefill.errors import DataError, ModelError
from facefill.runtime.packaged_files import from_eight_bits, to_eight_bits

Floats: TypeAlias = NDArray[np.float32]
NUM_FACES = 2048
"""Faces that are measured; more change little, and the time grows as their cube."""


@dataclass(frozen=True)
class FacePca:
    """Mean and principal components of faces, in grey levels.

    Attributes:
        mean: float32 (S, S, 3).
        components: Of length one and at right angles but for rounding, float32
            (K, S, S, 3).
        variances: Of the weight of each, float64 (K,), the largest first.
        num_faces: Faces that they were measured on; ``NUM_FACES`` in files of
            versions that did not say.
    """

    mean: Floats
    components: Floats
    variances: NDArray[np.float64]
    num_faces: int = NUM_FACES

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
        # Those of as many faces as there can be are what they were before it was said.
        if self.num_faces != NUM_FACES:
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
                    num_faces=int(archive.get("num_faces", NUM_FACES)),
                )
        except Exception as error:  # whatever numpy and zipfile raise for a bad file
            raise ModelError(f"no statistics of faces ({error})") from error


def measure(faces: Any, num_components: int, rng: np.random.Generator) -> FacePca:
    """Measure faces, two thousand of them at most.

    Args:
        faces: uint8 (N, S, S, 3), memory-mapped or not, N at least 2.
        num_components: K; fewer if the faces differ in fewer directions.
        rng: Chooses faces if there are more than ``NUM_FACES``.

    Raises:
        DataError: If there are fewer than two faces, or all are equal.
    """
    if len(faces) < 2:
        raise DataError(
            f"{len(faces)} faces are too few to measure how faces differ; add photos"
        )
    count = min(len(faces), NUM_FACES)
    rows = np.sort(rng.permutation(len(faces))[:count])
    flat = np.asarray(faces[rows]).reshape(count, -1).astype(np.float32)
    shape = faces.shape[1:]
    mean = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    flat -= mean
    # Components of D pixels from the N x N products of faces, N being the smaller.
    products = (flat @ flat.T).astype(np.float64)
    kept = min(num_components, count - 1)
    lengths, shares = eigh(products, subset_by_index=(count - kept, count - 1))
    lengths, shares = lengths[::-1], shares[:, ::-1]
    # Equal faces have fewer directions than there are faces.
    is_real = lengths > 1e-6 * max(float(lengths[0]), 1.0)
    if not is_real.any():
        raise DataError(
            f"all {count} faces are equal, so there is no difference to measure; add "
            "other photos"
        )
    scaled = shares[:, is_real] / np.sqrt(lengths[is_real])
    components = scaled.T.astype(np.float32) @ flat
    return FacePca(
        mean=mean.reshape(shape),
        components=components.reshape(-1, *shape),
        variances=lengths[is_real] / (count - 1),
        num_faces=count,
    )
