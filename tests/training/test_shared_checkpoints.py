"""In a cluster the chief alone touches files, and all have the same."""

import numpy as np
import pytest

from facefill.errors import TrainingError
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.cluster import Cluster
from facefill.training.distribution import SingleDevice
from facefill.training.shared_checkpoints import require_agreement, shared


class Joint(SingleDevice):
    """One of two processes, whose messages go over a list."""

    def __init__(self, rank, messages):
        super().__init__("cpu")
        self.cluster = Cluster(2, rank)
        self._messages = messages

    def broadcast(self, content):
        if self.is_chief:
            self._messages.append(content)
            return content
        return self._messages.pop(0)


@pytest.fixture
def stores(tmp_path):
    messages = []
    return [
        shared(CheckpointStore(tmp_path / str(rank)), Joint(rank, messages))
        for rank in range(2)
    ]


def checkpoint(step):
    return Checkpoint(step, {"0000": np.arange(3.0) + step}, {"seed": 1})


def test_the_others_read_what_the_chief_reads_and_write_nothing(tmp_path, stores):
    for store in stores:
        store.save(checkpoint(5))
        store.keep_best(5)
        store.save(checkpoint(7))
        store.forget_best_after(9)
    chief, other = (store.latest() for store in stores)
    assert chief.step == other.step == 7
    assert np.array_equal(other.arrays["0000"], [7.0, 8.0, 9.0])
    assert other.fingerprint == {"seed": 1}
    assert [store.best().step for store in stores] == [5, 5]
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_no_checkpoint_is_none_for_all(stores):
    assert [store.latest() for store in stores] == [None, None]


def test_a_single_process_has_its_own_store(tmp_path):
    store = CheckpointStore(tmp_path)
    assert shared(store, SingleDevice("cpu")) is store


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, None),
        ({"seed": 2}, "this process has seed = 2, the first one of the cluster has 1"),
        ({"faces": None}, "this process has faces = None, the first"),
        (
            {"changeable": {"train.max_steps": 9}},
            r"has train\.max_steps = 9, the first one of the cluster has 5;",
        ),
    ],
)
def test_a_process_that_differs_from_the_chief_names_the_difference(changes, message):
    chief = {"seed": 1, "faces": "8", "changeable": {"train.max_steps": 5}}
    messages = []
    require_agreement(chief, Joint(0, messages))
    if message is None:
        require_agreement(chief, Joint(1, messages))
        return
    with pytest.raises(TrainingError, match=message):
        require_agreement(chief | changes, Joint(1, messages))
