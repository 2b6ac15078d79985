"""Held-out faces are taken in the same order for everything that is measured."""

import numpy as np
import pandas as pd

from facefill.evaluation.held_out import (
    different_people_first,
    validation_fingerprint,
)
from facefill.preparation.face_set import FaceSet
from facefill.preparation.splits import TEST, TRAIN, VALIDATION, halves, split


def face_set(held_out, train=("t/1.jpg", "u/1.jpg"), side="test"):
    ids = [*train, *held_out]
    splits = ["train"] * len(train) + [side] * len(held_out)
    table = pd.DataFrame({"id": ids, "source": ids, "split": splits})
    return FaceSet(np.zeros((len(ids), 4, 4, 3), np.uint8), table)


IDS = ["a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg", "c/1.jpg"]


def test_every_held_out_face_comes_once_and_everybody_before_anybody_twice():
    for seed in range(20):
        rows = different_people_first(face_set(IDS), "test", seed)
        assert sorted(rows) == [2, 3, 4, 5, 6, 7]
        assert {IDS[row - 2][0] for row in rows[:3]} == {"a", "b", "c"}


def test_the_order_is_of_the_seed_and_no_photo_of_a_person_is_preferred():
    faces = face_set(IDS)
    orders = {tuple(different_people_first(faces, "test", seed)) for seed in range(20)}
    assert len(orders) > 10
    assert {2, 3, 4} <= {order[place] for order in orders for place in range(3)}
    again = different_people_first(faces, "test", 3)
    assert np.array_equal(again, different_people_first(faces, "test", 3))


def test_nothing_held_out_is_no_row():
    assert len(different_people_first(face_set([]), "test", seed=1)) == 0


def test_a_set_of_before_there_were_halves_is_halved_by_the_same_rule():
    ids = [f"{person:02d}/{photo}.jpg" for person in range(30) for photo in range(3)]
    old, half = (
        face_set(ids, side="held_out"),
        halves([f"folder {n:02d}" for n in range(30)]),
    )
    rows = {side: different_people_first(old, side, 1) for side in (VALIDATION, TEST)}
    for side, found in rows.items():
        assert {half[f"folder {ids[row - 2][:2]}"] for row in found} == {side}
    people = {side: {ids[row - 2][:2] for row in rows[side]} for side in rows}
    assert not people[VALIDATION] & people[TEST]
    assert sorted([*rows[VALIDATION], *rows[TEST]]) == list(range(2, 92))
    assert set(old.table["split"]) == {"train", "held_out"}


def test_who_is_chosen_by_is_not_who_is_reported():
    ids = [f"{person:02d}/{photo}.jpg" for person in range(40) for photo in range(2)]
    sides = split(ids, ids, 0.5, seed=1)
    table = pd.DataFrame({"id": ids, "source": ids, "split": sides})
    faces = FaceSet(np.zeros((len(ids), 4, 4, 3), np.uint8), table)
    chosen, reported = (
        {ids[row][:2] for row in different_people_first(faces, side, 1)}
        for side in (VALIDATION, TEST)
    )
    trained = {name[:2] for name, side in zip(ids, sides, strict=True) if side == TRAIN}
    assert chosen
    assert reported
    assert not (chosen & reported | chosen & trained | reported & trained)


def test_models_are_compared_on_the_faces_that_they_are_chosen_by():
    faces = face_set(IDS, side=VALIDATION)
    first = validation_fingerprint(faces)

    def changed(row, ids=IDS, side=VALIDATION):
        other = face_set(ids, side=side)
        other.images[row, 1, 2, 0] ^= 1
        return validation_fingerprint(other)

    assert validation_fingerprint(face_set(IDS, side=VALIDATION)) == first
    assert changed(0) == first  # it is trained on
    assert changed(4) != first
    assert validation_fingerprint(face_set(IDS[:-1], side=VALIDATION)) != first
    assert validation_fingerprint(face_set(IDS, side=TEST)) != first
    # Sets of before there were halves have some, too.
    old = face_set([f"{n:02d}/1.jpg" for n in range(30)], side="held_out")
    row = different_people_first(old, VALIDATION, 0)[0]
    before = validation_fingerprint(old)
    old.images[row] ^= 1
    assert validation_fingerprint(old) != before
