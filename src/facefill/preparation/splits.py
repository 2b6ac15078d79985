"""Train and held-out split, by person.

A folder of photos is a person, as in LFW. All photos of a person are on one side,
so that a held-out face is of somebody whom the model never saw. Which side is a
function of the seed and the folder's name: photos that are added later move no
one from one side to the other.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from facefill.preparation.components import components

TRAIN = "train"
HELD_OUT = "held_out"


def split(
    photo_ids: Sequence[str], groups: Sequence[str], fraction: float, seed: int
) -> list[str]:
    """Assign each photo to a split.

    Args:
        photo_ids: Paths relative to the folder of photos. Photos that are in no
            folder below the one that all share are each a person of their own.
        groups: Of each photo: those of one group show the same. People who share
            a group are one person here, so that no picture is on both sides.
        fraction: Share of people to hold out. One at least is held out and one
            trained on, if there are two and the share is above 0.
        seed: Of the choice.

    Returns:
        ``train`` or ``held_out`` for each photo.
    """
    people = _people(photo_ids, groups)
    draws = {person: _uniform(person, seed) for person in set(people)}
    ordered = sorted(draws, key=lambda person: (draws[person], person))
    num_held_out = bisect_left(sorted(draws.values()), fraction)
    if fraction > 0.0 and len(ordered) > 1:
        num_held_out = min(max(num_held_out, 1), len(ordered) - 1)
    elif len(ordered) == 1:
        num_held_out = 0
    held_out = set(ordered[:num_held_out])
    return [HELD_OUT if person in held_out else TRAIN for person in people]


def _uniform(person: str, seed: int) -> float:
    """Map a person to a number that is uniform in [0, 1)."""
    digest = hashlib.sha256(f"split {seed} {person}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2.0**64


def identities(photo_ids: Sequence[str]) -> list[str]:
    """Name the person of each photo: its folder, or itself if it is in none.

    Example:
        >>> identities(["lfw/Ann/1.jpg", "lfw/Ann/2.jpg", "lfw/3.jpg"])
        ['folder Ann', 'folder Ann', 'photo 3.jpg']
    """
    folders = [PurePosixPath(photo_id).parts[:-1] for photo_id in photo_ids]
    num_shared = _num_shared(folders)
    named = []
    for photo_id, folder in zip(photo_ids, folders, strict=True):
        own = folder[num_shared:]
        name = PurePosixPath(photo_id).parts[-1]
        named.append("folder " + "/".join(own) if own else "photo " + name)
    return named


def _num_shared(folders: Sequence[tuple[str, ...]]) -> int:
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    for index, (a, b) in enumerate(zip(first, last, strict=False)):
        if a != b:
            return index
    return min(len(first), len(last))


def _people(photo_ids: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Name the person of each photo: of people who share a group, the first name."""
    codes, people = pd.factorize(np.array(identities(photo_ids), object), sort=True)
    of_group, _ = pd.factorize(np.array(groups, object))
    # People and groups are the nodes, and a photo connects two of them.
    num_nodes = len(people) + int(of_group.max(initial=-1)) + 1
    edges = np.column_stack([codes, len(people) + of_group])
    numbers = components(num_nodes, edges)[: len(people)]
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    return list(people[first[inverse[codes]]])
