import numpy as np

from facefill.backend.batches import in_full_batches


def test_batches_are_always_full_and_padding_does_not_come_back():
    seen = []

    def double(rows, count):
        seen.append((rows.tolist(), count))
        return {"twice": 2 * rows, "pair": (rows[:, None], rows + 0.5)}

    found = in_full_batches(double, 7, 3)
    assert seen == [([0, 1, 2], 3), ([3, 4, 5], 3), ([6, 6, 6], 1)]
    assert found["twice"].tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert found["pair"][0].shape == (7, 1)
    assert found["pair"][1].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]


def test_rows_of_one_kind_share_batches_and_come_back_in_their_order():
    kinds, seen = list("abacab"), []

    def same(rows, count):
        seen.append((rows.tolist(), count))
        return 10 * rows

    found = in_full_batches(same, 6, 2, kinds)
    assert found.tolist() == [0, 10, 20, 30, 40, 50]
    assert seen == [([0, 2], 2), ([4, 4], 1), ([1, 5], 2), ([3, 3], 1)]


def test_arrays_of_the_backend_come_back_as_numpy():
    from keras import ops

    found = in_full_batches(lambda rows, _: ops.convert_to_tensor(rows), 3, 2)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [0, 1, 2]
