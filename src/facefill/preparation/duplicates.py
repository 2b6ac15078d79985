"""Duplicate detection: equal photos, and near duplicates by perceptual hash.

Photos whose perceptual hashes differ in few bits are candidates, and no more than
that: of the pairs within 6 bits in Labeled Faces in the Wild one in twenty is one
picture. Their aligned faces tell, which are compared pixel by pixel.

Comparing each hash with each would take the square of their number. Two that differ
in k bits are equal in one of k + 1 bands of their bits, so that only hashes with an
equal band are compared.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from facefill.imaging.pictures import read_png
from facefill.parameters import PrepareOptions
from facefill.preparation.components import components

EXACT, NEAR = "exact", "near"
_HASH_BITS = 64
# 12 KB each at 64 pixels.
_FACES_IN_MEMORY = 4096


def find_duplicates(
    rows: pd.DataFrame, aligned: Path, options: PrepareOptions
) -> pd.DataFrame:
    """Find for each face the earlier one that it is a duplicate of.

    A face is a near duplicate if it is near to an earlier one that is none itself:
    without the duplicates no two faces are alike, and each of them is one of the very
    face that is named.

    Args:
        rows: A row a face: ``id``, ``photo_sha256``, ``face_sha256``, ``face`` and
            the photo's ``perceptual_hash``, of 16 hexadecimal digits.
        aligned: Folder of the faces.
        options: How near is near.

    Returns:
        A row a face, in order: ``duplicate`` (``exact``: cut from photos that are
        equal byte by byte; ``near``; or empty), ``duplicate_of`` (the id of the other
        face, or empty), ``group`` (int64, the same for all faces that are connected
        by duplicates of duplicates).
    """
    contents, _ = pd.factorize(rows["photo_sha256"] + rows["face_sha256"])
    _, first = np.unique(contents, return_index=True)
    pairs = near_faces(rows.iloc[first], aligned, options)
    near_of = np.arange(len(first))
    for a, b in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        if near_of[a] == a and near_of[b] == b:
            near_of[b] = a
    indices = np.arange(len(rows))
    is_exact = first[contents] != indices
    original = np.where(is_exact, first[contents], first[near_of[contents]])
    kinds = np.where(is_exact, EXACT, np.where(original == indices, "", NEAR))
    ids = rows["id"].to_numpy(object)
    return pd.DataFrame(
        {
            "duplicate": kinds.astype(object),
            "duplicate_of": np.where(original == indices, "", ids[original]),
            "group": components(len(first), pairs)[contents],
        }
    )


def near_faces(
    rows: pd.DataFrame, aligned: Path, options: PrepareOptions
) -> list[tuple[int, int]]:
    """Find all pairs of faces that are nearly the same picture.

    Args:
        rows: A row a face, with ``face`` and ``perceptual_hash``.
        aligned: Folder of the faces.
        options: How near is near.

    Returns:
        Positions of the rows, the smaller first.
    """

    @lru_cache(_FACES_IN_MEMORY)
    def pixels(index: int) -> NDArray[np.float32]:
        return read_png(aligned / rows["face"].iloc[index]).astype(np.float32)

    return [
        (a, b)
        for a, b in _candidates(list(rows["perceptual_hash"]), options)
        if np.abs(pixels(a) - pixels(b)).mean() <= options.near_duplicate_difference
    ]


def _candidates(
    hashes: list[str], options: PrepareOptions
) -> Iterator[tuple[int, int]]:
    numbers = np.array([int(digits, 16) for digits in hashes], np.uint64)
    unique, inverse = np.unique(numbers, return_inverse=True)
    indices = defaultdict(list)
    for index, number in enumerate(inverse):
        indices[int(number)].append(index)
    for equal in indices.values():
        yield from combinations(equal, 2)
    for a, b in near_pairs(unique, options.near_duplicate_bits).tolist():
        for pair in product(indices[a], indices[b]):
            yield min(pair), max(pair)


def near_pairs(hashes: NDArray[np.uint64], max_bits: int) -> NDArray[np.int64]:
    """Find all pairs of hashes that differ in few bits.

    Args:
        hashes: All different.
        max_bits: How many bits at most.

    Returns:
        int64 of shape (num_pairs, 2): the indices of each pair, once.
    """
    edges = np.linspace(0, _HASH_BITS, max_bits + 2).astype(int)
    pairs = [np.empty((0, 2), np.int64)]
    for low, high in pairwise(edges):
        mask = np.uint64((1 << int(high - low)) - 1)
        band = (hashes >> np.uint64(low)) & mask
        order = np.argsort(band, kind="stable")
        pairs += _near_in_band(hashes[order], band[order], max_bits, order)
    return np.unique(np.concatenate(pairs), axis=0)


def _near_in_band(
    hashes: NDArray[np.uint64],
    band: NDArray[np.uint64],
    max_bits: int,
    order: NDArray[np.int64],
) -> list[NDArray[np.int64]]:
    """Compare hashes with those after them, as far as the sorted band is equal."""
    result = []
    start = np.arange(len(hashes))
    distance = 0
    while len(start):
        distance += 1
        start = start[start + distance < len(hashes)]
        start = start[band[start] == band[start + distance]]
        end = start + distance
        near = np.bitwise_count(hashes[start] ^ hashes[end]) <= max_bits
        pairs = np.column_stack([order[start[near]], order[end[near]]])
        result.append(np.sort(pairs, axis=1))
    return result
