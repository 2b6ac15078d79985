"""The refiner's training: what it learns from, that it learns, and that it resumes."""

import keras
import numpy as np
import pytest

from facefill.errors import CheckpointError
from facefill.imaging.compositing import poisson_blend
from facefill.imaging.pictures import to_float, to_uint8
from facefill.inversion.encoder import encoder_input
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit
from facefill.models.dcgan import Architecture, build_encoder, build_generator
from facefill.models.face_pca import measure
from facefill.models.refinement import CoarseCrop, Refiner
from facefill.training.checkpoints import CheckpointStore
from facefill.training.refiner.batches import RefinerBatches, windows_on_holes
from facefill.training.refiner.coarse import GROUP, CoarseCompleter
from facefill.training.refiner.holes import draw_hole
from facefill.training.refiner.loop import Schedule, train_refiner
from facefill.training.refiner.step import METRICS, Cooling, LossWeights, clipped
from facefill.training.refiner.trainer import RefinerTrainer

SIZE, FACE = 32, 16
WITHOUT_JUDGES = LossWeights(perceptual=0.0, features=0.0, adversarial=0.0)


def crops(count=70):
    """Faces of a kind: a light oval with two dark dots, at drawn places."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:SIZE, :SIZE]
    made = []
    for _ in range(count):
        x, y, light = rng.uniform(14, 18), rng.uniform(14, 18), rng.uniform(120, 230)
        face = np.where((column - x) ** 2 + (row - y) ** 2 < 150, light, 40.0)
        for side in (-5, 5):
            face[(column - x - side) ** 2 + (row - y + 3) ** 2 < 5] = 20.0
        made.append(np.repeat(face[..., None], 3, axis=-1) + rng.normal(0, 2, 3))
    return np.clip(made, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def completer():
    architecture = Architecture(FACE, 8, generator_width=4, discriminator_width=4)
    faces = crops(60)[:, ::2, ::2]
    statistics = measure(faces, 12, np.random.default_rng(1))
    return CoarseCompleter(
        encoder=build_encoder(FACE, 8, 4),
        generator=build_generator(architecture, seed=1),
        fit=GaussianFit(statistics, 4.0),
        detail=0.5,
        seed=3,
    )


def trainer(weights=WITHOUT_JUDGES):
    return RefinerTrainer(SIZE, 1, weights)


@pytest.mark.parametrize("seed", range(40))
def test_holes_hide_a_part_and_are_the_same_for_the_same_seed(seed):
    first, second = (draw_hole(np.random.default_rng(seed), 64) for _ in range(2))
    assert np.array_equal(first, second)
    assert 0.02 <= 1.0 - first.mean() <= 0.7


def test_holes_differ_in_place_and_size():
    shares = [1.0 - draw_hole(np.random.default_rng(n), 64).mean() for n in range(60)]
    assert np.std(shares) > 0.08


def test_coarse_faces_are_what_one_pass_fit_and_blending_give_face_by_face(completer):
    shown = crops(5)
    known = completer.known(0, 0, SIZE)
    coarse = completer.complete(shown, known)
    faces = shown[:, ::2, ::2]
    # A face's pixel is hidden if its crop's is, or a neighbour of that.
    padded = np.pad(known, 1, constant_values=True)
    mask = np.min(
        [
            padded[1 + a :, 1 + b :][:SIZE:2, :SIZE:2]
            for a in (-1, 0, 1)
            for b in (-1, 0, 1)
        ],
        axis=0,
    )
    for face, found in zip(faces, coarse, strict=True):
        seen = encoder_input(
            to_float(face[None]), mask[None, ..., None].astype(np.float32)
        )
        picture = to_uint8(np.asarray(completer.generator(completer.encoder(seen))))[0]
        measurement = Measurement("", face, mask)
        fitted = completer.fit.fit(picture, measurement, completer.detail)
        expected = poisson_blend(face, fitted, mask)
        assert np.abs(found.astype(int) - expected).max() <= 2
        assert np.array_equal(found[mask], face[mask])


def test_batches_are_functions_of_the_step(completer, tmp_path):
    first = RefinerBatches(crops(), completer, tmp_path / "a", 32, 2)
    second = RefinerBatches(crops(), completer, tmp_path / "b", 32, 2)
    steps = range(9)  # four a round of 32 faces in batches of 16
    forwards = [first.batch(step, 16) for step in steps]
    backwards = [second.batch(step, 16) for step in reversed(steps)][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["coarse-00002.npy"]


def test_what_a_killed_run_was_writing_is_deleted(completer, tmp_path):
    (tmp_path / ".writing-01234567-abcd.tmp.npy").write_bytes(b"half a round")
    RefinerBatches(crops(), completer, tmp_path, 32, 2).batch(0, 16)
    assert [path.name for path in tmp_path.iterdir()] == ["coarse-00000.npy"]


def test_a_round_shows_each_of_its_faces_as_often_as_it_says(completer, tmp_path):
    every = crops(40)
    batches = RefinerBatches(every, completer, tmp_path, 32, 2)
    shown = np.concatenate([batches.batch(step, 16).crops for step in range(4)])
    faces, counts = np.unique(shown.reshape(64, -1), axis=0, return_counts=True)
    assert len(faces) == 32
    assert set(counts) == {2}


def test_a_batch_belongs_to_the_holes_that_its_faces_were_completed_under(
    completer, tmp_path
):
    batch = RefinerBatches(crops(), completer, tmp_path, 70, 1).batch(0, 16)
    possible = [completer.known(0, group, SIZE) for group in range(-(-70 // GROUP))]
    for crop, coarse, known in zip(batch.crops, batch.coarse, batch.known, strict=True):
        assert any(np.array_equal(known, each) for each in possible)
        # Known pixels that are also the face's are equal but for interpolation.
        at_face = known[::2, ::2]
        apart = np.abs(coarse[::2, ::2].astype(int) - crop[::2, ::2])
        assert np.median(apart[at_face]) <= 1


@pytest.mark.slow
def test_it_learns_to_fill_a_hole_better_than_it_was(completer, tmp_path):
    batches = RefinerBatches(crops(), completer, tmp_path, 64, 8)
    errors, means = [], []

    def report(step, values):
        errors.append(values["error"])
        means.append(values["mean"])

    train_refiner(
        batches,
        trainer(),
        CheckpointStore(tmp_path / "checkpoints"),
        Schedule(60),
        report=report,
    )
    assert np.mean(errors[-2:]) < 0.8 * errors[0]
    assert np.mean(means[-2:]) < 0.8 * means[0]


@pytest.mark.slow
def test_an_interrupted_training_ends_where_an_undisturbed_one_does(
    completer, tmp_path
):
    def trained(folder, *steps):
        for max_steps in steps:
            refiner = train_refiner(
                RefinerBatches(crops(), completer, tmp_path / folder, 32, 2),
                trainer(LossWeights(perceptual=0.0)),
                CheckpointStore(tmp_path / folder / "checkpoints"),
                Schedule(max_steps),
            )
        return refiner.get_weights()

    at_once, in_parts = trained("one", 10), trained("two", 5, 10)
    assert all(
        np.array_equal(one, other) for one, other in zip(at_once, in_parts, strict=True)
    )


@pytest.mark.slow
def test_the_discriminator_learns_and_the_refiner_hears_of_it(completer, tmp_path):
    batch = RefinerBatches(crops(), completer, tmp_path, 64, 1).batch(0, 16)
    stack = type(batch)(*(np.asarray(part)[None] for part in batch))

    def moved(weights):
        taught = trainer(weights)
        before = taught.initial_state()
        after, metrics = taught.advance(before, stack)
        values = dict(zip(METRICS, metrics[0], strict=True))
        return keras.tree.map_structure(np.asarray, after), values

    alone, _ = moved(WITHOUT_JUDGES)
    judged, values = moved(WITHOUT_JUDGES._replace(adversarial=1.0))
    assert values["hinge"] > 0.0
    same = [
        np.array_equal(one, other)
        for one, other in zip(
            alone.refiner.weights, judged.refiner.weights, strict=True
        )
    ]
    assert not all(same)
    assert all(
        np.array_equal(one, other)
        for one, other in zip(
            alone.discriminator.weights, judged.discriminator.weights, strict=True
        )
    )


def advanced(batch, **changes):
    """State after one step from drawn weights, and what it recorded."""
    given = {"size": SIZE, "seed": 1, "weights": LossWeights()} | changes
    taught = RefinerTrainer(**given)
    stack = type(batch)(*(np.asarray(part)[None] for part in batch))
    after, metrics = taught.advance(taught.initial_state(), stack)
    return keras.tree.map_structure(np.asarray, after), metrics[0]


@pytest.mark.slow
def test_a_step_in_bfloat16_is_that_in_float32_within_its_rounding(completer, tmp_path):
    batch = RefinerBatches(crops(), completer, tmp_path, 64, 1).batch(0, 16)
    _, exact = advanced(batch)
    after, rounded = advanced(batch, precision="mixed_bfloat16")
    assert rounded == pytest.approx(exact, rel=0.05, abs=2e-3)
    assert {value.dtype for value in after.refiner.weights} == {np.dtype("float32")}


def test_every_window_is_in_its_crop_and_shows_the_hole(completer, tmp_path):
    rng = np.random.default_rng(0)
    known = np.stack([draw_hole(rng, 64) for _ in range(60)])
    flips = np.arange(60) % 2 == 0
    starts = windows_on_holes(rng, known, flips)
    for mask, flip, (row, column) in zip(known, flips, starts, strict=True):
        assert 0 <= row <= 32
        assert 0 <= column <= 32
        shown = mask[:, ::-1] if flip else mask
        assert not shown[row : row + 32, column : column + 32].all()
    assert len(np.unique(starts, axis=0)) > 30


@pytest.mark.slow
def test_rates_fall_to_nothing_where_they_are_to_cool(completer, tmp_path):
    cooling = Cooling(first=4, last=8)
    shares = [float(cooling.share(step)) for step in range(10)]
    assert shares == [1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    batch = RefinerBatches(crops(), completer, tmp_path, 64, 1).batch(0, 16)
    full, warm, cold = (
        advanced(batch, weights=WITHOUT_JUDGES, cooling=each)[0]
        for each in (None, Cooling(first=-1, last=1), Cooling(first=-2, last=0))
    )
    start = [np.asarray(v) for v in trainer().initial_state().refiner.weights]
    for begin, end, half, same in zip(
        start, *(each.refiner.weights for each in (full, warm, cold)), strict=True
    ):
        assert np.array_equal(same, begin)
        np.testing.assert_allclose(half - begin, (end - begin) / 2, 1e-6, 1e-7)


@pytest.mark.parametrize(("longest", "factor"), [(20.0, 1.0), (6.5, 0.5), (1.3, 0.1)])
def test_long_gradients_are_shortened_all_by_one_factor(longest, factor):
    gradients = [
        np.array([3.0, 0.0], np.float32),
        np.array([[4.0], [12.0]], np.float32),
    ]
    found = clipped(gradients, longest)  # their length is 13
    for each, before in zip(found, gradients, strict=True):
        assert np.asarray(each) == pytest.approx(factor * before)
    assert all(not np.any(each) for each in clipped([np.zeros(3, np.float32)], longest))


def test_checkpoints_of_another_training_are_refused(completer, tmp_path):
    batches = RefinerBatches(crops(), completer, tmp_path, 32, 2)
    store = CheckpointStore(tmp_path / "checkpoints")
    train_refiner(batches, trainer(), store, Schedule(2))
    with pytest.raises(CheckpointError, match="another training"):
        train_refiner(batches, trainer(LossWeights()), store, Schedule(2))


def test_the_trained_network_refines(completer, tmp_path):
    batches = RefinerBatches(crops(), completer, tmp_path, 32, 2)
    store = CheckpointStore(tmp_path / "checkpoints")
    network = train_refiner(batches, trainer(), store, Schedule(3))
    refiner = Refiner(network, 0.7)
    batch = batches.batch(0, 1)
    crop, known = batch.crops[0], batch.known[0]
    coarse = CoarseCrop(crop, batch.coarse[0][::2, ::2], known)
    (refined,) = refiner.refine([coarse])
    assert np.array_equal(refined[known], crop[known])
