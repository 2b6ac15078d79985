import pytest

from searching import same, search, targets


def test_the_starts_given_up_are_those_that_had_come_least_far(networks):
    (every,) = search(networks, starts=6, candidates=6).run(targets(1))
    (kept,) = search(networks, starts=6, candidates=2, prune_after=3).run(targets(1))
    lowest = {
        one.start: (one.history[0] + 0.1 * one.history[1])[:3].min() for one in every
    }
    assert {one.start for one in kept} == set(sorted(lowest, key=lowest.get)[:2])
    # Those that go on come out as if they had been alone.
    alone = {one.start: one for one in every}
    assert all(same(one, alone[one.start]) for one in kept)


@pytest.mark.parametrize(
    ("changes", "iterations"),
    [
        ({}, 6),
        ({"starts": 3, "candidates": 3}, 18),
        ({"starts": 5, "candidates": 2, "prune_after": 4}, 5 * 4 + 2 * 2),
        ({"starts": 5, "candidates": 2, "prune_after": 99}, 30),
    ],
)
def test_iterations_are_counted_before_they_are_done(networks, changes, iterations):
    searching, counted = search(networks, **changes), []
    assert searching.iterations_per_photo == iterations
    list(searching.run(targets(3), advance=lambda done, note="": counted.append(done)))
    assert sum(counted) == 3 * iterations
