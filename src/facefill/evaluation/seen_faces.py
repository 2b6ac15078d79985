"""Who is reported on: people whose faces no part of a model has learnt from.

Faces that are held out of a training set are few where photos are few. Of one's own
photos the pretrained model has seen none, so that all may be reported; of those that it
was trained on, none should be. They are told by hashes of their pixels as they are
aligned by default: those of a photo that was resized, saved anew or aligned otherwise
are others.
"""

import hashlib
import io
import logging
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from facefill.evaluation.held_out import EVERYONE
from facefill.models import pretrained
from facefill.models.companions import Companions
from facefill.models.sources import describe
from facefill.preparation.face_set import FaceSet
from facefill.preparation.sharded_array import ImageArray
from facefill.preparation.splits import TEST, identities
from facefill.runtime.packaged_files import FOLDER, read_described

SEEN = "training_faces.npy"
SEEN_MANIFEST = "training_faces.json"

logger = logging.getLogger(__name__)


def pixel_hashes(faces: ImageArray) -> NDArray[np.uint64]:
    """Hash the pixels of each face, (N,): the first eight bytes of its SHA-256."""
    return np.array([_pixel_hash(faces[row]) for row in range(len(faces))], np.uint64)


def packed(hashes: NDArray[np.uint64]) -> bytes:
    """Encode hashes as ``.npy``, sorted and each once."""
    stream = io.BytesIO()
    np.save(stream, np.unique(hashes), allow_pickle=False)
    return stream.getvalue()


def are_seen(faces: ImageArray) -> NDArray[np.bool_]:
    """Tell which faces the pretrained networks or statistics have learnt from, (N,).

    Raises:
        ModelError: If the list that comes with facefill is absent or damaged.
    """
    content = read_described(FOLDER / SEEN, FOLDER / SEEN_MANIFEST)
    return np.isin(
        pixel_hashes(faces), np.load(io.BytesIO(content), allow_pickle=False)
    )


def reported_side(
    faces: FaceSet, count: int, generator: keras.Model, companions: Companions
) -> str:
    """Choose whom to report on.

    Args:
        faces: The training set.
        count: Faces that are wanted.
        generator: G.
        companions: What completes beside it.

    Returns:
        ``test``, or ``everyone``: where fewer than ``count`` are held out to report,
        nothing that completes was trained or measured here, and the pretrained
        networks have seen none of the faces.
    """
    is_test = (faces.table["split"] == TEST).to_numpy()
    if is_test.sum() >= count or len(set(identities(list(faces.table["id"])))) < 2:
        return TEST
    if not _is_as_shipped(generator, companions) or are_seen(faces.images).any():
        return TEST
    logger.info(
        "the pretrained model has seen none of the %d faces: all may be reported",
        len(faces.images),
    )
    return EVERYONE


def describe_model(generator: keras.Model, faces: ImageArray) -> dict[str, Any]:
    """Describe for a report which networks were used, and what they know of its faces.

    Args:
        generator: G.
        faces: The faces that are reported.

    Returns:
        ``model``, of ``sources.describe``, and ``seen_in_training``: how many of the
        faces the pretrained networks or statistics have learnt from. They are counted
        for a generator of one's own, too: it may have begun as the pretrained one, and
        its completions are refined by a network that did.
    """
    num_seen = int(are_seen(faces).sum())
    return {"model": describe(generator), "seen_in_training": num_seen}


def warn_of_seen(report: Mapping[str, Any]) -> None:
    """Say of how many faces of a report what comes with facefill has learnt, if any.

    Args:
        report: With ``faces``, and ``seen_in_training`` if it is of this version.
    """
    if seen := report.get("seen_in_training", 0):
        logger.warning(
            "%d of the %d faces reported are of photos that the pretrained networks or "
            "statistics have learnt from: where one of them helped, the figures are "
            "better than those of other photos would be",
            seen,
            report["faces"],
        )


def _pixel_hash(face: NDArray[np.uint8]) -> int:
    pixels = np.ascontiguousarray(face).tobytes()
    return int.from_bytes(hashlib.sha256(pixels).digest()[:8])


def _is_as_shipped(generator: keras.Model, companions: Companions) -> bool:
    """Whether all that completes came with facefill."""
    statistics, encoder, refiner = companions
    if encoder is not None or refiner is not None:
        return False
    shipped = pretrained.load_statistics()
    if statistics is not None and (
        shipped is None or statistics.fingerprint != shipped.fingerprint
    ):
        return False
    return describe(generator)["source"] == "pretrained"
