"""Split into training, validation and test, by person.

A folder of photos is a person, as in LFW. All photos of a person are on one side,
so that a held-out face is of somebody whom the model never saw. Who is held out is a
function of the seed and the folder's name: photos that are added later move no
one from one side to the other. Of those held out, a half is there to choose with, such
as a checkpoint, and the other to report: figures of people by whom something was chosen
are too good. Which half is a function of the name alone, so that a run with another
seed reports nobody by whom a model was chosen.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from facefill.preparation.components import components

TRAIN = "train"
VALIDATION = "validation"
"""Held out to choose with."""

TEST = "test"
"""Held out to report."""

HELD_OUT = "held_out"
"""Held out, in training sets of before there were halves."""

_TEST_SHARE = 0.5


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
        ``train``, ``validation`` or ``test`` for each photo. A single person who is
        held out is for the test.
    """
    people = _people(photo_ids, groups)
    draws = {person: _uniform(f"split {seed} {person}") for person in set(people)}
    ordered = sorted(draws, key=lambda person: (draws[person], person))
    num_held_out = bisect_left(sorted(draws.values()), fraction)
    if fraction > 0.0 and len(ordered) > 1:
        num_held_out = min(max(num_held_out, 1), len(ordered) - 1)
    elif len(ordered) == 1:
        num_held_out = 0
    sides = dict.fromkeys(ordered, TRAIN) | halves(ordered[:num_held_out])
    return [sides[person] for person in people]


def halves(people: Collection[str]) -> dict[str, str]:
    """Assign each person who is held out to ``validation`` or ``test``.

    Args:
        people: As ``identities`` names them. Of two or more, one at least is on each
            side.
    """
    draws = {person: _uniform(f"half {person}") for person in people}
    ordered = sorted(draws, key=lambda person: (draws[person], person))
    num_test = bisect_left(sorted(draws.values()), _TEST_SHARE)
    num_test = min(max(num_test, 1), max(len(ordered) - 1, 1))
    return {
        person: TEST if place < num_test else VALIDATION
        for place, person in enumerate(ordered)
    }


def _uniform(text: str) -> float:
    """Map a text to a number that is uniform in [0, 1)."""
    digest = hashlib.sha256(text.encode()).digest()
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
