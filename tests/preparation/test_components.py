"""Nodes are in one component if edges lead from one to the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facefill.preparation.components import components


@given(st.integers(1, 12), st.data())
def test_components_are_those_of_following_the_edges(num_nodes, data):
    node = st.integers(0, num_nodes - 1)
    edges = data.draw(st.lists(st.tuples(node, node), max_size=15))
    numbers = components(num_nodes, edges)
    assert numbers.dtype == np.int64
    assert sorted(set(numbers.tolist())) == list(range(max(numbers) + 1))
    reached = [{node} for node in range(num_nodes)]
    for _ in range(num_nodes):
        for a, b in edges:
            reached[a] |= reached[b]
            reached[b] |= reached[a]
    for a in range(num_nodes):
        for b in range(num_nodes):
            assert (numbers[a] == numbers[b]) == (b in reached[a])


@pytest.mark.parametrize("times", [1, 2, 256, 65536])
def test_an_edge_that_comes_many_times_is_one(times):
    assert components(3, [(0, 2)] * times).tolist() == [0, 1, 0]


def test_no_edges_and_no_nodes():
    assert components(3, []).tolist() == [0, 1, 2]
    assert components(0, []).tolist() == []
