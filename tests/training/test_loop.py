import os
import signal
from functools import cache

import numpy as np
import pytest

from facefill.errors import CheckpointError, DataError, NonFiniteError
from facefill.models.files import ModelPair
from facefill.parameters import TrainOptions
from facefill.training import monitors
from facefill.training.checkpoints import CheckpointStore
from facefill.training.loop import report, train
from facefill.training.trainer import Trainer

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
    if "augment" in changes:  # the cache wants what has a hash, options a list
        changes["augment"] = list(changes["augment"])
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


def test_a_training_resumed_at_any_call_ends_in_the_same_bits_and_a_pixel_is_seen(
    tmp_path, photos
):
    class Killed(BaseException):
        pass

    def die():
        raise Killed

    whole = CheckpointStore(tmp_path / "whole")
    train(photos, trainer(), whole, Recorder())
    for step in range(2, STEPS + 1, 2):
        cut = CheckpointStore(tmp_path / f"cut at {step}")
        with pytest.raises(Killed):
            train(photos, trainer(), cut, Recorder(step, die))
        train(photos, trainer(), cut, Recorder())
        assert equal(final_arrays(whole), final_arrays(cut))
    again, other = (CheckpointStore(tmp_path / name) for name in ("again", "other"))
    train(photos, trainer(), again, Recorder())
    assert equal(final_arrays(whole), final_arrays(again))
    photos[3, 5, 7, 1] ^= 1
    train(photos, trainer(), other, Recorder())
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
    assert [step for step, _, _ in recorder.pictures] == [0, 6, 12]
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
    assert [step for step, _, _ in recorder.pictures] == [12]


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
    with pytest.raises(CheckpointError, match=r"= elsewhere \(.*, now it is random"):
        train(photos, trainer(), cut, Recorder())


def test_a_training_tells_how_different_its_samples_are_with_every_grid(
    tmp_path, photos
):
    recorder = Recorder()
    models = train(photos, trainer(), CheckpointStore(tmp_path), recorder)
    told = {
        step: values["diversity"]
        for step, values in recorder.points
        if "diversity" in values
    }
    assert list(told) == [6, 12]
    assert models.scores == [
        {"step": step, "diversity": value} for step, value in told.items()
    ]
    assert report(models, photos)["last_scores"]["diversity"] == told[12]


class Judged:
    """In place of the comparison with faces: scores that the test chooses."""

    count = 4

    def __init__(self, scores):
        self._scores, self.seen = list(scores), []

    def assess(self, samples):
        self.seen.append(samples.shape)
        return {"face_frechet": self._scores.pop(0)}

    def nearest(self, samples, photos):
        return {"nearest_sample": 0.5}, samples[0]


def test_the_best_checkpoint_is_kept_beside_the_last_and_gives_the_models(
    tmp_path, photos
):
    judged = Judged([3.0, 1.0, 2.0, 4.0])
    chosen = trainer(evaluate_every=3)  # after calls that end at 4, 6, 10 and 12
    store = CheckpointStore(tmp_path, keep=1)
    recorder = Recorder()
    models = train(photos, chosen, store, recorder, judged)
    assert [row["step"] for row in models.scores if "face_frechet" in row] == [
        4,
        6,
        10,
        12,
    ]
    assert judged.seen == [(4, SIZE, SIZE, 3)] * 4
    assert sorted(path.name[:13] for path in tmp_path.iterdir()) == [
        "best-00000006",
        "step-00000012",
    ]
    assert (models.step, models.model_step) == (12, 6)
    at_six = CheckpointStore(tmp_path / "six")
    train(photos, trainer(max_steps=6), at_six, Recorder())
    same = trainer(max_steps=6)
    expected = train(photos, same, at_six, Recorder()).generator.get_weights()
    for one, two in zip(models.generator.get_weights(), expected, strict=True):
        assert np.array_equal(one, two)
    last = train(
        photos, trainer(evaluate_every=3, model_from="last"), store, Recorder(), judged
    )
    assert last.model_step == 12
    assert (12, "nearest") in [(step, name) for step, name, _ in recorder.pictures]


def test_a_kill_between_saving_the_best_and_keeping_it_is_made_good(tmp_path, photos):
    store = CheckpointStore(tmp_path)
    one = trainer(max_steps=6, evaluate_every=6)
    train(photos, one, store, Recorder(), Judged([1.0]))
    (kept,) = tmp_path.glob("best-*")
    kept.unlink()
    models = train(photos, trainer(evaluate_every=6), store, Recorder(), Judged([2.0]))
    assert [path.name for path in tmp_path.glob("best-*")] == [kept.name]
    assert models.model_step == 6


def test_a_learning_rate_of_1e20_saves_nothing_that_is_not_finite(tmp_path, photos):
    store = CheckpointStore(tmp_path)
    train(photos, trainer(max_steps=4), store, Recorder())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(NonFiniteError, match=r"is (nan|inf) at step|is finite at step"):
        train(
            photos,
            trainer(learning_rate=1e20, steps_per_call=1, checkpoint_every=1),
            store,
            Recorder(),
        )
    for path in tmp_path.iterdir():
        with np.load(path) as archive:
            names = [name for name in archive.files if name.isdigit()]
            assert all(np.isfinite(archive[name]).all() for name in names), path
    assert store.latest().step >= 4
    assert before.keys() & {path.name for path in tmp_path.iterdir()}


def test_alarms_are_told_as_metrics(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(monitors, "WINNING_STEPS", 4)
    monkeypatch.setattr(monitors, "WINNING_GAP", -1.0)
    recorder = Recorder()
    train(photos, trainer(), CheckpointStore(tmp_path), recorder)
    told = [
        (step, values["alarm_discriminator_winning"])
        for step, values in recorder.points
        if "alarm_discriminator_winning" in values
    ]
    assert told == [(4, 1.0)]


@pytest.mark.parametrize(
    "changes",
    [
        {"discriminator_norm": "spectral", "r1_weight": 1.0, "r1_interval": 2},
        {
            "discriminator_norm": "none",
            "augment": ("colour", "translation", "cutout"),
            "real_label": 0.9,
            "discriminator_learning_rate": 4e-4,
            "update_order": "alternating",
            "generator_updates": 2,
        },
    ],
    ids=str,
)
def test_every_option_changes_the_training_and_is_resumed_exactly(
    tmp_path, photos, changes
):
    whole, cut, plain = (CheckpointStore(tmp_path / name) for name in ("a", "b", "c"))
    models = train(photos, trainer(**changes), whole, Recorder())
    train(photos, trainer(max_steps=6, **changes), cut, Recorder())
    train(photos, trainer(**changes), cut, Recorder())
    one, two = final_arrays(whole), final_arrays(cut)
    # The shorter training made a grid at its end, which fell on a step of its own.
    assert np.isfinite(one["history"]).all()
    assert equal(one, two)
    train(photos, trainer(), plain, Recorder())
    assert not equal(final_arrays(whole), final_arrays(plain))
    assert models.discriminator.count_params() > 0
