"""Order in which held-out faces are taken to evaluate with."""

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.preparation.face_set import FaceSet, fingerprint
from facefill.preparation.splits import HELD_OUT, TEST, VALIDATION, halves, identities
from facefill.runtime import rng

_FINGERPRINT_FACES = 64

EVERYONE = "everyone"
"""In place of a side: all faces, where no model has learnt from any of them."""


def different_people_first(faces: FaceSet, side: str, seed: int) -> NDArray[np.int64]:
    """Shuffle the held-out faces of a side, the same at every run, new people first.

    A person with hundreds of photos would otherwise decide the figures.

    Args:
        faces: All faces, with their splits.
        side: ``validation``, whose people what is made is chosen by, ``test``, whose
            people what is reported is measured on, or ``everyone``.
        seed: Of the order.

    Returns:
        Rows of the table, int64 (held-out faces of the side,).
    """
    people = people_of(faces)
    is_chosen = (side == EVERYONE) | (_sides(faces, people) == side)
    rows = np.flatnonzero(is_chosen)
    rows = rng.keyed_rng(seed, rng.Purpose.EVALUATION).permutation(rows)
    is_second = pd.Series(people[rows]).duplicated().to_numpy()
    return rows[np.argsort(is_second, kind="stable")]


def validation_fingerprint(faces: FaceSet) -> str:
    """Hash the faces that models are chosen by: how many, and 64 of them at most.

    Returns:
        64 hexadecimal digits.
    """
    rows = np.sort(different_people_first(faces, VALIDATION, seed=0))
    few = np.linspace(0, len(rows) - 1, min(len(rows), _FINGERPRINT_FACES)).astype(int)
    pixels = fingerprint(faces.images[rows[few]])
    return hashlib.sha256(f"{len(rows)} {pixels}".encode()).hexdigest()


def people_of(faces: FaceSet) -> NDArray[np.object_]:
    """Name the person of each face, (N,)."""
    return np.array(identities(list(faces.table["id"])), dtype=object)


def are_of_first_half(faces: FaceSet) -> NDArray[np.bool_]:
    """Halve all faces by person, whatever their splits are, (N,)."""
    people = people_of(faces)
    half = halves(set(people))
    return np.array([half[person] == TEST for person in people], np.bool_)


def _sides(faces: FaceSet, people: NDArray[np.object_]) -> NDArray[np.object_]:
    """Split of each face; sets of before there were halves are halved here."""
    splits = np.array(faces.table["split"], dtype=object)
    undivided = splits == HELD_OUT
    half = halves(set(people[undivided]))
    splits[undivided] = [half[person] for person in people[undivided]]
    return splits
