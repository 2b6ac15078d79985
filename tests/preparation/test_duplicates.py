"""Duplicates are found as comparing each with each would find them."""

import itertools
import time

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facefill.imaging.photos import perceptual_hash
from facefill.imaging.pictures import write_png
from facefill.parameters import PrepareOptions
from facefill.preparation.duplicates import find_duplicates, near_pairs
from photos import face_photo, noise

BITS = st.sets(st.integers(0, 63), max_size=12)
SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4)


def flipped(number, bits):
    for bit in bits:
        number ^= 1 << bit
    return number


@settings(deadline=None)
@given(SEEDS, st.lists(BITS, max_size=30), st.integers(0, 16))
def test_pairs_are_those_of_comparing_each_hash_with_each(seeds, flips, max_bits):
    numbers = {flipped(seed, bits) for seed in seeds for bits in [set(), *flips]}
    hashes = np.array(sorted(numbers), np.uint64)
    expected = [
        [one, other]
        for one, other in itertools.combinations(range(len(hashes)), 2)
        if (int(hashes[one]) ^ int(hashes[other])).bit_count() <= max_bits
    ]
    assert near_pairs(hashes, max_bits).tolist() == expected


def test_a_hundred_thousand_hashes_take_seconds_and_all_pairs_are_found():
    random = np.random.default_rng(0)
    hashes = np.unique(random.integers(0, 2**64, 100_000, np.uint64))
    copies = hashes[:1000] ^ np.uint64(0b1011 << 37)
    started = time.process_time()
    pairs = near_pairs(np.concatenate([hashes, copies]), 4)
    assert time.process_time() - started < 20
    found = {tuple(pair) for pair in pairs.tolist()}
    assert found >= {(place, len(hashes) + place) for place in range(1000)}


class Faces:
    """Faces in a folder, and their table."""

    def __init__(self, root):
        self.root = root
        self.rows = []

    def add(self, pixels, digits, sha256=""):
        name = f"{len(self.rows):03d}"
        write_png(self.root / f"{name}.png", pixels)
        row = {"id": name, "face": f"{name}.png", "perceptual_hash": digits}
        row["photo_sha256"] = sha256 or f"bytes of {name}"
        self.rows.append(row | {"face_sha256": str(pixels.tobytes())})

    def find(self, **options):
        table = pd.DataFrame(self.rows)
        return find_duplicates(table, self.root, PrepareOptions(**options))


@pytest.fixture
def faces(tmp_path):
    return Faces(tmp_path)


GREY = np.full((8, 8, 3), 100, np.uint8)


def test_equal_photos_are_exact_and_alike_ones_near_duplicates(faces):
    faces.add(GREY, "00000000000000ff", "a")
    faces.add(GREY + np.uint8(200), "00000000000000ff", "b")  # other pixels
    faces.add(GREY, "00000000000000ff", "a")
    faces.add(GREY + np.uint8(12), "00000000000000f0", "c")
    faces.add(GREY + np.uint8(13), "00000000000000f0", "d")  # too far from the first
    faces.add(GREY, "ffffffffffff0000", "e")  # another hash
    table = faces.find(near_duplicate_bits=4, near_duplicate_difference=12.0)
    assert table["duplicate"].tolist() == ["", "", "exact", "near", "", ""]
    assert table["duplicate_of"].tolist() == ["", "", "000", "000", "", ""]
    # 3 and 4 are alike, though 4 is not like what 3 is a duplicate of.
    assert table["group"].tolist()[:5] == [0, 1, 0, 0, 0]


def test_two_faces_of_one_photo_are_no_duplicates(faces):
    faces.add(GREY, "00000000000000ff", "a")
    faces.add(GREY + np.uint8(100), "00000000000000ff", "a")
    assert faces.find()["duplicate"].tolist() == ["", ""]


def test_a_photo_saved_anew_or_smaller_is_a_near_duplicate_of_itself(faces):
    photo = face_photo()
    smaller = photo[::2, ::2]
    noisy = np.clip(photo.astype(int) + noise(220, 220)[..., :1] % 9, 0, 255)
    crop = photo[40:180, 50:190]
    for shown in (photo, smaller, noisy.astype(np.uint8), photo[:, ::-1], crop):
        pixels = np.ascontiguousarray(shown)
        face = cv2.resize(pixels, (20, 20), interpolation=cv2.INTER_AREA)
        faces.add(face, perceptual_hash(pixels))
    found = faces.find()["duplicate"].tolist()
    assert found == ["", "near", "near", "", ""]


def alike(faces, one, other, options):
    first, second = faces.rows[one], faces.rows[other]
    bits = int(first["perceptual_hash"], 16) ^ int(second["perceptual_hash"], 16)
    return (
        bits.bit_count() <= options.near_duplicate_bits
        and abs(first["level"] - second["level"]) <= options.near_duplicate_difference
    )


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sets(st.integers(0, 5)), st.integers(0, 60), st.sampled_from("abcdefgh")
        ),
        min_size=1,
        max_size=14,
    )
)
def test_what_is_left_is_unlike_and_groups_are_connected_by_likeness(
    tmp_path_factory, drawn
):
    faces = Faces(tmp_path_factory.mktemp("faces"))
    options = PrepareOptions(near_duplicate_bits=2, near_duplicate_difference=5.0)
    of_content = {}
    for *look, content in drawn:
        bits, level = of_content.setdefault(content, look)
        face = np.full((4, 4, 3), level, np.uint8)
        faces.add(face, f"{flipped(0, bits):016x}", content)
        faces.rows[-1]["level"] = level
    table = find_duplicates(pd.DataFrame(faces.rows), faces.root, options)
    places = range(len(drawn))
    links = {
        frozenset(pair)
        for pair in itertools.combinations(places, 2)
        if alike(faces, *pair, options)
    }
    kept = [place for place in places if not table["duplicate"][place]]
    assert not any({one, other} in links for one in kept for other in kept)
    for place in places:
        if table["duplicate"][place]:
            original = int(table["duplicate_of"][place])
            assert original < place
            assert {original, place} in links
            is_copy = drawn[original][2] == drawn[place][2]
            assert table["duplicate"][place] == ("exact" if is_copy else "near")
    assert groups_of(table["group"]) == components(places, links)


def groups_of(numbers):
    return {frozenset(np.flatnonzero(numbers == number)) for number in numbers.unique()}


def components(places, links):
    groups = [{place} for place in places]
    for link in links:
        joined = [group for group in groups if group & link]
        groups = [group for group in groups if not group & link]
        groups.append(set().union(*joined))
    return {frozenset(group) for group in groups}
