"""Order in which held-out faces are taken to evaluate with."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.preparation.face_set import FaceSet
from facefill.preparation.splits import HELD_OUT, identities
from facefill.runtime import rng


def different_people_first(faces: FaceSet, seed: int) -> NDArray[np.int64]:
    """Shuffle the held-out faces, the same at every run, one of each person first.

    A person with hundreds of photos would otherwise decide the figures.

    Args:
        faces: All faces, with their splits.
        seed: Of the order.

    Returns:
        Rows of the table, int64 (held-out faces,).
    """
    rows = np.flatnonzero(np.asarray(faces.table["split"] == HELD_OUT))
    rows = rng.keyed_rng(seed, rng.Purpose.EVALUATION).permutation(rows)
    people = pd.Series(identities(list(faces.table["id"])), dtype=object)
    is_second = people.iloc[rows].duplicated().to_numpy()
    return rows[np.argsort(is_second, kind="stable")]
