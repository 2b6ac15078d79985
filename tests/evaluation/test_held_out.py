"""Held-out faces are taken in the same order for everything that is measured."""

import numpy as np
import pandas as pd

from facefill.evaluation.held_out import different_people_first
from facefill.preparation.face_set import FaceSet


def face_set(held_out, train=("t/1.jpg", "u/1.jpg")):
    ids = [*train, *held_out]
    splits = ["train"] * len(train) + ["held_out"] * len(held_out)
    table = pd.DataFrame({"id": ids, "source": ids, "split": splits})
    return FaceSet(np.zeros((len(ids), 4, 4, 3), np.uint8), table)


IDS = ["a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg", "c/1.jpg"]


def test_every_held_out_face_comes_once_and_everybody_before_anybody_twice():
    for seed in range(20):
        rows = different_people_first(face_set(IDS), seed)
        assert sorted(rows) == [2, 3, 4, 5, 6, 7]
        assert {IDS[row - 2][0] for row in rows[:3]} == {"a", "b", "c"}


def test_the_order_is_of_the_seed_and_no_photo_of_a_person_is_preferred():
    faces = face_set(IDS)
    orders = {tuple(different_people_first(faces, seed)) for seed in range(20)}
    assert len(orders) > 10
    assert {2, 3, 4} <= {order[place] for order in orders for place in range(3)}
    again = different_people_first(faces, 3)
    assert np.array_equal(again, different_people_first(faces, 3))


def test_nothing_held_out_is_no_row():
    assert len(different_people_first(face_set([]), seed=1)) == 0
