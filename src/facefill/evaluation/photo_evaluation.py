"""Evaluation in the photo: held-out people's photos, completed by every method."""

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.evaluation.completions import Describe, baselines_of, held_out_rows
from facefill.evaluation.held_out import EVERYONE, people_of
from facefill.evaluation.hidden_faces import HiddenFace, PhotoFinder, crops_of
from facefill.evaluation.in_photo import Judged, PhotoJudges, nothing_judged
from facefill.evaluation.photo_methods import (
    aligned_damaged,
    aligned_intact,
    by_baselines,
    searched,
)
from facefill.inversion.search import LatentSearch
from facefill.parameters import EvaluateOptions
from facefill.preparation.splits import TEST, VALIDATION
from facefill.runtime.rng import Purpose, keyed_rng

DAMAGED = "_damaged"
"""Ends the names of searches in photos that were damaged before they were aligned."""

logger = logging.getLogger(__name__)


def evaluate_in_photos(
    finder: PhotoFinder,
    options: EvaluateOptions,
    searches: Mapping[str, LatentSearch],
    identify: Describe | None,
    seed: int,
    side: str = TEST,
) -> Judged:
    """Complete photos of held-out people, and judge the results in the photo.

    Every search completes each photo twice: where the face was in the intact photo, as
    all other methods do, and where alignment finds it in the damaged one, as users'
    photos are completed (``<search>_damaged``).

    Args:
        finder: Finds the photos.
        options: How many of them, and which methods.
        searches: Those of them that search, by name.
        identify: Gives the descriptors of faces; None leaves identity out.
        seed: Of what is drawn.
        side: Whose photos: ``test``, or ``everyone``.

    Returns:
        Without photos a report that says in a line why.
    """
    if options.photos == 0:
        return nothing_judged("evaluate.photos is 0")
    faces, crops = _found(finder, options.photos, seed, side)
    if not faces:
        return nothing_judged(
            f"the photos of the held-out faces are no longer in {finder.folder}"
        )
    judges = PhotoJudges(faces, crops, identify, options.resamples, seed)
    logger.info("completing photos of %d held-out faces", len(faces))
    intact = aligned_intact(faces)
    drawn = keyed_rng(seed, Purpose.EVALUATION, 1)
    rows = pd.Index(finder.faces.table["id"]).get_indexer(
        [face.aligned.face_id for face in faces]
    )
    held_out = held_out_rows(finder.faces, rows, side)
    of_each = baselines_of(held_out, options.methods, drawn)
    judges.add_all(by_baselines(of_each, faces, intact))
    damaged = aligned_damaged(faces, finder.alignment) if searches else []
    for name, search in searches.items():
        judges.add(name, searched(search, faces, intact))
        judges.add(name + DAMAGED, searched(search, faces, damaged))
    judged = judges.judge("default")
    if searches:
        judged.report["found_damaged"] = sum(bool(each) for each in damaged)
    return judged


def _found(
    finder: PhotoFinder, count: int, seed: int, side: str
) -> tuple[list[HiddenFace], NDArray[np.uint8]]:
    """Faces to complete, and crops of intact photos of as many other people."""
    if side != EVERYONE:
        faces = finder.find(side, count, seed)
        return faces, crops_of(finder.find(VALIDATION, len(faces), seed))
    found = finder.find(side, 2 * count, seed)
    faces, rest = found[:count], found[count:]
    person = dict(zip(finder.faces.table["id"], people_of(finder.faces), strict=True))
    # A person may have several photos.
    taken = {person[face.aligned.face_id] for face in faces}
    return faces, crops_of(
        face for face in rest if person[face.aligned.face_id] not in taken
    )
