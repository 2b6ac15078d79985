"""Order in which held-out faces are taken to evaluate with."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.preparation.face_set import FaceSet
from facefill.preparation.splits import HELD_OUT, halves, identities
from facefill.runtime import rng


def different_people_first(faces: FaceSet, side: str, seed: int) -> NDArray[np.int64]:
    """Shuffle the held-out faces of a side, the same at every run, new people first.

    A person with hundreds of photos would otherwise decide the figures.

    Args:
        faces: All faces, with their splits.
        side: ``validation``, whose people what is made is chosen by, or ``test``, whose
            people what is reported is measured on.
        seed: Of the order.

    Returns:
        Rows of the table, int64 (held-out faces of the side,).
    """
    people = np.array(identities(list(faces.table["id"])), dtype=object)
    rows = np.flatnonzero(_sides(faces, people) == side)
    rows = rng.keyed_rng(seed, rng.Purpose.EVALUATION).permutation(rows)
    is_second = pd.Series(people[rows]).duplicated().to_numpy()
    return rows[np.argsort(is_second, kind="stable")]


def _sides(faces: FaceSet, people: NDArray[np.object_]) -> NDArray[np.object_]:
    """Split of each face; sets of before there were halves are halved here."""
    splits = np.array(faces.table["split"], dtype=object)
    undivided = splits == HELD_OUT
    half = halves(set(people[undivided]))
    splits[undivided] = [half[person] for person in people[undivided]]
    return splits
