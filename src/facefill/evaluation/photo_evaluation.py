"""Evaluation in the photo: held-out people's photos, completed by every method."""

import logging
from collections.abc import Mapping

from facefill.evaluation.completions import Describe
from facefill.evaluation.hidden_faces import PhotoFinder, crops_of
from facefill.evaluation.in_photo import Judged, PhotoJudges, nothing_judged
from facefill.evaluation.methods import Baselines
from facefill.evaluation.photo_methods import (
    aligned_damaged,
    aligned_intact,
    by_baselines,
    searched,
)
from facefill.inversion.search import LatentSearch
from facefill.parameters import EvaluateOptions
from facefill.preparation.splits import TEST, TRAIN, VALIDATION
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

    Returns:
        Without photos a report that says in a line why.
    """
    if options.photos == 0:
        return nothing_judged("evaluate.photos is 0")
    faces = finder.find(TEST, options.photos, seed)
    if not faces:
        return nothing_judged(
            f"the photos of the held-out faces are no longer in {finder.folder}"
        )
    others = crops_of(finder.find(VALIDATION, len(faces), seed))
    judges = PhotoJudges(faces, others, identify, options.resamples, seed)
    logger.info("completing photos of %d held-out faces", len(faces))
    intact = aligned_intact(faces)
    drawn = keyed_rng(seed, Purpose.EVALUATION, 1)
    baselines = Baselines(finder.faces.of_split(TRAIN), options.methods, drawn)
    judges.add_all(by_baselines(baselines, faces, intact))
    damaged = aligned_damaged(faces, finder.alignment) if searches else []
    for name, search in searches.items():
        judges.add(name, searched(search, faces, intact))
        judges.add(name + DAMAGED, searched(search, faces, damaged))
    judged = judges.judge("default")
    if searches:
        judged.report["found_damaged"] = sum(bool(each) for each in damaged)
    return judged
