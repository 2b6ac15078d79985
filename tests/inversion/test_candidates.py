import numpy as np
import pytest

from facefill.inversion.candidates import Settled, Slots, ranked
from facefill.inversion.descent import SearchState
from facefill.inversion.hmc.summary import Diagnosis
from searching import search, targets


def test_candidates_come_by_loss_and_from_different_starts(networks):
    (found,) = search(networks, starts=6, candidates=4, prune_after=2).run(targets(1))
    assert [one.loss for one in found] == sorted(one.loss for one in found)
    assert len({one.start for one in found}) == 4
    assert all(
        one.loss == pytest.approx(one.contextual + 0.1 * one.perceptual, rel=1e-5)
        for one in found
    )


def test_results_are_ranked_photo_by_photo_and_equals_by_their_start():
    losses = np.array([3.0, 1.0, 2.0, 2.0], np.float32)
    numbers = np.arange(4, dtype=np.float32)
    slots = Slots(
        photos=np.array([0, 0, 1, 1]),
        starts=np.array([0, 1, 0, 1]),
        state=SearchState(numbers, (numbers,), numbers, numbers),
        history=np.arange(8, dtype=np.float32).reshape(4, 2, 1),
    )
    settled = Settled(
        latents=numbers[:, None],
        generated=np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1),
        parts=np.stack([losses, numbers], axis=1),
        losses=losses,
    )
    first, second = ranked(slots, settled, [None, Diagnosis(0.5), None, None])
    assert [each.start for each in (*first, *second)] == [1, 0, 0, 1]
    assert first[0].loss == first[0].contextual == 1.0
    assert first[0].perceptual == 1.0
    assert first[0].diagnosis == Diagnosis(0.5)
    assert first[0].history.tolist() == [[2.0], [3.0]]
    assert first[0].fitted is first[0].generated or np.array_equal(
        first[0].fitted, first[0].generated
    )
    rows = slots.at(np.array([3, 0]))
    assert rows.starts.tolist() == [1, 0]
    assert rows.state.rule[0].tolist() == [3.0, 0.0]
