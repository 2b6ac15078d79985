"""What other people make expected of a head."""

import numpy as np

from facefill.completion.expected_heads import expected_head
from facefill.completion.head_pictures import SIDE, resized
from heads import torn_head


def test_it_is_the_same_whatever_lies_where_nothing_is_known():
    picture, known = torn_head()
    changed = np.where(known[..., None], picture, ~picture)
    np.testing.assert_array_equal(
        expected_head(changed, known), expected_head(picture, known)
    )


def test_it_is_nearer_to_the_truth_than_the_mean_of_what_is_known():
    picture, known = torn_head()
    expected = resized(expected_head(picture, known), SIDE)
    hidden = ~known
    mean = picture[known].mean(axis=0)
    errors = [
        np.square(guess - picture[hidden].astype(float)).mean()
        for guess in (expected[hidden], mean)
    ]
    assert errors[0] < errors[1]
