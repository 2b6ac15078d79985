"""A run keeps its state and its curves, and knows when it was best."""

import keras
import numpy as np
import pytest

from facefill.errors import NonFiniteError
from facefill.parameters import TrainOptions
from facefill.training.batches import batches
from facefill.training.checkpoints import Checkpoint, CheckpointStore
from facefill.training.fingerprint import fingerprint_of
from facefill.training.run import SCORES, Run
from facefill.training.trainer import Trainer

SIZE = 16


@pytest.fixture(scope="module")
def trainer():
    options = TrainOptions(
        max_steps=4,
        batch_size=4,
        latent_size=5,
        generator_width=4,
        discriminator_width=4,
        precision="float32",
        device="cpu",
        steps_per_call=2,
    )
    return Trainer(options, SIZE, seed=1)


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(0).integers(0, 256, (10, SIZE, SIZE, 3), np.uint8)


@pytest.fixture
def start(trainer, photos):
    """Begin or continue a run, and give its first batches too."""

    def begin(store):
        run = Run.restore(fingerprint_of(photos, trainer), trainer, store)
        stacks = batches(photos, trainer.options, trainer.seed, run.done)
        return run, next(stacks, None)

    return begin


def test_a_run_comes_back_with_state_curves_and_scores(tmp_path, start):
    store = CheckpointStore(tmp_path)
    run, stack = start(store)
    run.advance(stack)
    run.note({"diversity": 0.5})
    run.save(store)
    again, _ = start(store)
    assert again.done == run.done == 2
    assert np.array_equal(again.history, run.history)
    assert np.array_equal(again.scores, run.scores, equal_nan=True)
    for one, two in zip(
        keras.tree.flatten(again.state), keras.tree.flatten(run.state), strict=True
    ):
        assert np.array_equal(one, two)


def test_a_state_is_the_best_if_its_own_score_is_the_least(tmp_path, start):
    run, stack = start(CheckpointStore(tmp_path))
    assert not run.is_best_so_far
    run.note({"diversity": 0.5})  # not what is chosen by
    assert not run.is_best_so_far
    run.note({"face_frechet": 3.0})
    assert run.is_best_so_far
    run.advance(stack)
    assert not run.is_best_so_far
    run.note({"face_frechet": 4.0})
    assert not run.is_best_so_far


def test_nothing_measured_is_no_row(tmp_path, start):
    run, _ = start(CheckpointStore(tmp_path))
    run.note({})
    assert run.scores == []


def test_scores_that_an_older_version_did_not_know_are_missing(tmp_path, start):
    store = CheckpointStore(tmp_path)
    run, stack = start(store)
    run.advance(stack)
    run.note({"diversity": 0.5})
    run.save(store)
    kept = store.latest()
    old = kept.arrays | {"scores": kept.arrays["scores"][:, :2]}
    store.save(Checkpoint(kept.step, old, kept.fingerprint))
    again, _ = start(store)
    assert again.scores[0].shape == (1 + len(SCORES),)
    assert np.isnan(again.scores[0][2:]).all()


@pytest.mark.parametrize(
    ("part", "kind", "message"),
    [
        ("generator", "statistics", "statistics of the generator is finite at step 2"),
        ("discriminator", "moments", "moments of the discriminator is finite"),
        ("average", None, "the average of the generator is finite"),
    ],
)
def test_a_state_that_is_not_finite_is_named_and_not_saved(
    tmp_path, start, part, kind, message
):
    store = CheckpointStore(tmp_path)
    run, stack = start(store)
    run.advance(stack)
    if kind is None:
        broken = [run.state.average[0] * np.inf, *run.state.average[1:]]
        run.state = run.state._replace(average=broken)
    else:
        network = getattr(run.state, part)
        values = list(getattr(network, kind))
        values[0] = keras.tree.map_structure(lambda value: value * np.nan, values[0])
        changed = network._replace(**{kind: values})
        run.state = run.state._replace(**{part: changed})
    with pytest.raises(NonFiniteError, match=f"not every number of .*{message}"):
        run.save(store)
    assert not list(tmp_path.iterdir())
