"""Selection of the training set: what is left out, and who is held out.

Every aligned face is a row of the selection: on one side of the split, or left out with
a reason. This is where a preparation ends that went wrong in too many photos.
"""

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.errors import DataError
from facefill.parameters import PrepareOptions
from facefill.preparation.duplicates import EXACT, NEAR, find_duplicates
from facefill.preparation.gates import gate_faces
from facefill.preparation.report import describe_reasons
from facefill.preparation.splits import TRAIN, split

logger = logging.getLogger(__name__)

COLUMNS = ["id", "path", "face", "split", "reason", "duplicate", "duplicate_of"]
LEFT_OUT = ""
DUPLICATE = "duplicate"
_DROPPED = {"none": (), "exact": (EXACT,), "near": (EXACT, NEAR)}


def select_faces(
    photos: pd.DataFrame,
    alignment: pd.DataFrame,
    aligned: Path,
    options: PrepareOptions,
    held_out_fraction: float,
    seed: int,
) -> pd.DataFrame:
    """Choose the faces of the training set and a side for each.

    Args:
        photos: From ``ingestion.ingest``.
        alignment: From ``alignment.align_photos``.
        aligned: Folder of the faces.
        options: What is refused, and what is left out.
        held_out_fraction: Share of the people who are not trained on.
        seed: Of the choice of these people.

    Returns:
        A row an aligned face, sorted by id: ``id``, ``path`` (of its photo), ``face``
        (below ``aligned``), ``split`` (``train``, ``validation`` or ``test``, empty if
        it is left out), ``reason`` (why: ``duplicate``, ``beyond_edge``, ``blurred`` or
        ``grey``), ``duplicate`` and ``duplicate_of`` (see ``duplicates``).

    Raises:
        DataError: If fewer photos have a face than ``options`` asks for, or the gates
            leave nothing to train on, with the reasons counted; or if a face cannot be
            read.
    """
    _refuse_too_few(alignment, options)
    rows = aligned_rows(alignment)
    hashes = photos.set_index("path")["perceptual_hash"]
    rows = rows.assign(perceptual_hash=hashes.loc[rows["path"]].to_numpy())
    duplicates = find_duplicates(rows, aligned, options)
    sides = _split(
        rows.assign(group=duplicates["group"].to_numpy()), held_out_fraction, seed
    )
    _warn_if_most_are_held_out(sides, held_out_fraction, seed)
    is_dropped = duplicates["duplicate"].isin(_DROPPED[options.drop_duplicates])
    is_trained_on = ~is_dropped.to_numpy() & (np.array(sides) == TRAIN)
    reasons = np.where(is_dropped, DUPLICATE, LEFT_OUT).astype(object)
    reasons[is_trained_on] = gate_faces(rows[is_trained_on], aligned, options)
    _refuse_nothing_left(reasons[is_trained_on])
    return rows.assign(
        split=np.where(reasons == "", sides, LEFT_OUT),
        reason=reasons,
        duplicate=duplicates["duplicate"].to_numpy(),
        duplicate_of=duplicates["duplicate_of"].to_numpy(),
    )[COLUMNS].reset_index(drop=True)


def _split(rows: pd.DataFrame, fraction: float, seed: int) -> list[str]:
    """Split by person and by what shows the same.

    If near duplicates connect everybody, nothing could be held out: then only equal
    photos are kept together, which is better than no evaluation at all.
    """
    paths = list(rows["path"])
    sides = split(paths, list(rows["group"].astype(str)), fraction, seed)
    if fraction == 0.0 or set(sides) != {TRAIN}:
        return sides
    sides = split(paths, list(rows["photo_sha256"]), fraction, seed)
    if set(sides) != {TRAIN}:
        logger.warning(
            "all faces are near duplicates of each other; some are held out all the "
            "same, so what is measured on them says little"
        )
    return sides


def _warn_if_most_are_held_out(sides: list[str], fraction: float, seed: int) -> None:
    """Say so if most faces are held out, where that was not asked for.

    Those held out may have most of the photos; or the photos were held out of another
    training set, with the same names and the same seed.
    """
    num_held_out = sum(side != TRAIN for side in sides)
    if num_held_out > max(0.5, 2.0 * fraction) * len(sides):
        logger.warning(
            "%d of %d faces are held out, where flatten.held_out_fraction asks for "
            "%g of the people (photos that another training set held out by the same "
            "names and seed are held out again); --params=seed:%d holds out others",
            num_held_out,
            len(sides),
            fraction,
            seed + 1,
        )


def _refuse_nothing_left(reasons: NDArray[np.object_]) -> None:
    if len(reasons) and (reasons != "").all():
        counts = ", ".join(f"{key} {num}" for key, num in Counter(reasons).items())
        raise DataError(
            f"no face is left to train on ({counts}); lower prepare.min_inside, "
            "prepare.min_sharpness or prepare.min_colourfulness"
        )


def aligned_rows(alignment: pd.DataFrame) -> pd.DataFrame:
    """Select the faces of a manifest, sorted by id."""
    return alignment[alignment["status"] == "aligned"].sort_values("id")


def _refuse_too_few(alignment: pd.DataFrame, options: PrepareOptions) -> None:
    files = alignment[alignment["reason"] != "hidden"]
    num_files = files["path"].nunique()
    num_aligned = files["path"][files["status"] == "aligned"].nunique()
    if num_aligned < options.min_aligned_fraction * num_files:
        raise DataError(
            f"only {num_aligned} of {num_files} photos have become a face "
            f"({describe_reasons(files)}), less than the share of "
            f"{options.min_aligned_fraction:g} that prepare.min_aligned_fraction asks "
            "for; look at data/03_primary/alignment.parquet, or lower it"
        )
