import os
import signal
from functools import cache

import numpy as np
import pytest

from facefill.checkpoints import CheckpointStore
from facefill.dcgan import Trainer
from facefill.errors import CheckpointError, DataError
from facefill.model_files import ModelPair
from facefill.parameters import TrainOptions
from facefill.training import report, train

SIZE = 16
STEPS = 12


class Recorder:
    """A reporter that remembers, and may do something at a step."""

    def __init__(self, at_step=None, act=None):
        self.points, self.pictures = [], []
        self._at_step, self._act = at_step, act

    def scalars(self, step, values):
        self.points.append((step, dict(values)))
        if step == self._at_step:
            self._act()

    def picture(self, step, name, image):
        self.pictures.append((step, name, image))


@cache  # tracing the graph is what takes time, and the state is not in it
def trainer(seed=1, **changes):
    values = {
        "max_steps": STEPS,
        "batch_size": 4,
        "latent_size": 5,
        "generator_width": 4,
        "discriminator_width": 4,
        "precision": "float32",
        "device": "cpu",
        "steps_per_call": 2,
        "checkpoint_every": 4,
        "sample_every": 6,
    }
    return Trainer(TrainOptions.model_validate(values | changes), SIZE, seed)


@pytest.fixture
def photos():
    return np.random.default_rng(0).integers(0, 256, (10, SIZE, SIZE, 3), np.uint8)


def final_arrays(store):
    return dict(store.latest().arrays)


def equal(one, two):
    """Compare states; the last column of the history is a speed."""
    rows = one.pop("history")[:, :-1], two.pop("history")[:, :-1]
    return (
        np.array_equal(*rows)
        and one.keys() == two.keys()
        and all(np.array_equal(one[name], two[name], equal_nan=True) for name in one)
    )


def test_a_training_that_is_killed_and_continued_ends_in_the_same_bits(
    tmp_path, photos
):
    class Killed(BaseException):
        pass

    def die():
        raise Killed

    whole = CheckpointStore(tmp_path / "whole")
    train(photos, trainer(), whole, Recorder())
    cut = CheckpointStore(tmp_path / "cut")
    for step in (2, 6, 10):
        with pytest.raises(Killed):
            train(photos, trainer(), cut, Recorder(step, die))
    train(photos, trainer(), cut, Recorder())
    assert equal(final_arrays(whole), final_arrays(cut))
    other = CheckpointStore(tmp_path / "other")
    train(photos, trainer(seed=2), other, Recorder())
    assert not equal(final_arrays(whole), final_arrays(other))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_saves_after_the_current_call_and_is_then_delivered(
    tmp_path, photos, number
):
    class Delivered(BaseException):
        pass

    def deliver(*_):
        raise Delivered

    before = signal.signal(number, deliver)
    try:
        store = CheckpointStore(tmp_path)
        stop = Recorder(6, lambda: os.kill(os.getpid(), number))
        with pytest.raises(Delivered):
            train(photos, trainer(), store, stop)
    finally:
        signal.signal(number, before)
    assert store.latest().step == 6


def test_metrics_come_after_every_call_and_grids_at_their_steps(tmp_path, photos):
    recorder = Recorder()
    models = train(photos, trainer(), CheckpointStore(tmp_path), recorder)
    assert [step for step, _ in recorder.points] == [2, 4, 6, 8, 10, 12]
    assert set(recorder.points[0][1]) == {*trainer().metrics, "images_per_second"}
    assert all(0.0 < values["d_real"] < 1.0 for _, values in recorder.points)
    assert [step for step, _, _ in recorder.pictures] == [6, 12]
    assert recorder.pictures[0][2].dtype == np.uint8
    summary = report(models, photos)
    assert summary["steps"] == STEPS
    assert summary["history"]["step"] == [2, 4, 6, 8, 10, 12]


def test_a_continued_training_reports_the_curve_from_its_beginning(tmp_path, photos):
    store = CheckpointStore(tmp_path)
    train(photos, trainer(max_steps=6), store, Recorder())
    recorder = Recorder()
    train(photos, trainer(), store, recorder)
    assert [step for step, _ in recorder.points] == [2, 4, 6, 8, 10, 12]


def test_a_finished_training_gives_its_models_without_a_step(tmp_path, photos):
    store = CheckpointStore(tmp_path)
    first = train(photos, trainer(), store, Recorder())
    again = train(photos, trainer(), store, Recorder())
    assert again.step == STEPS
    for one, two in zip(
        first.generator.get_weights(), again.generator.get_weights(), strict=True
    ):
        assert np.array_equal(one, two)


def test_fewer_photos_than_a_batch_or_none_at_all_are_refused(tmp_path, photos):
    store = CheckpointStore(tmp_path)
    with pytest.raises(DataError, match="has 10 faces, a batch 11"):
        train(photos, trainer(batch_size=11), store, Recorder())
    with pytest.raises(DataError, match="has 0 faces"):
        train(photos[:0], trainer(), store, Recorder())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 5}, "train.batch_size = 4, now it is 5"),
        ({"generator_width": 8}, "generator_width = 4, now it is 8"),
        ({"seed": 3}, "seed = 1, now it is 3"),
    ],
)
def test_another_training_is_not_continued(tmp_path, photos, changes, message):
    store = CheckpointStore(tmp_path)
    train(photos, trainer(max_steps=2), store, Recorder())
    with pytest.raises(CheckpointError, match=message):
        train(photos, trainer(**changes), store, Recorder())


def test_changed_photos_are_noticed_and_a_new_learning_rate_is_allowed(
    tmp_path, photos
):
    store = CheckpointStore(tmp_path)
    train(photos, trainer(max_steps=2), store, Recorder())
    with pytest.raises(CheckpointError, match=r"faces = 10 of hash .*, now it is 9"):
        train(photos[:-1], trainer(), store, Recorder())
    assert train(photos, trainer(learning_rate=1e-4), store, Recorder()).step == STEPS


def test_a_training_that_starts_from_models_continues_exactly_and_is_no_other(
    tmp_path, photos
):
    start = ModelPair(*trainer(seed=9).models(trainer(seed=9).initial_state()))
    options = trainer(start_from="elsewhere").options

    def starting(**changes):
        return Trainer(options.model_copy(update=changes), SIZE, 1, start)

    whole, cut = CheckpointStore(tmp_path / "whole"), CheckpointStore(tmp_path / "cut")
    train(photos, starting(), whole, Recorder())
    train(photos, starting(max_steps=6), cut, Recorder())
    train(photos, starting(), cut, Recorder())
    assert equal(final_arrays(whole), final_arrays(cut))
    with pytest.raises(CheckpointError, match=r"train.start_from = elsewhere \(\d+ "):
        train(photos, trainer(), cut, Recorder())
