"""Checkpoints of another training are deleted, and it is said what differs."""

import numpy as np
import pytest

from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.step_loop import forget_other


@pytest.fixture
def store(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(Checkpoint(20, {"x": np.zeros(3)}, {"seed": 1, "faces": "9"}))
    return store


@pytest.mark.parametrize(
    ("fingerprint", "max_steps", "said"),
    [
        ({"seed": 1, "faces": "9"}, 20, ""),
        ({"seed": 1, "faces": "9"}, 30, ""),
        ({"seed": 1, "faces": "9"}, 19, "another number of steps;"),
        ({"seed": 2, "faces": "9"}, 20, "another seed;"),
        ({"seed": 2, "faces": "9"}, 5, "another seed and number of steps;"),
        ({"seed": 1}, 20, "trained with another"),
    ],
)
def test_a_training_of_other_settings_or_more_steps_is_begun_anew(
    store, caplog, fingerprint, max_steps, said
):
    with caplog.at_level("INFO"):
        forget_other(store, fingerprint, "refiner", max_steps)
    assert (store.latest() is None) == bool(said)
    assert said in caplog.text
