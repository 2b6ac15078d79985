import numpy as np
import pytest
from scipy.stats import norm

from facefill.errors import MaskError, ModelError
from facefill.imaging.colour import grey_picture, luminance
from facefill.imaging.compositing import complete_face
from facefill.imaging.degradations import Decolorization, Downsampling, degradation_of
from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import to_float, to_uint8
from facefill.inversion.latents import first_latent
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit
from facefill.inversion.search import LatentSearch
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.models.face_pca import measure
from facefill.parameters import CompleteOptions

SIZE = 16
NOISE = 25.0
ARCHITECTURE = Architecture(SIZE, 8, generator_width=8, discriminator_width=8)


@pytest.fixture(scope="module")
def networks():
    """Networks whose batch norms have statistics of their own, as after training."""
    draw = np.random.default_rng(0)
    made = (
        build_generator(ARCHITECTURE, seed=1),
        build_discriminator(ARCHITECTURE, seed=1),
    )
    for network in made:
        network.set_weights(
            [
                weights + draw.uniform(0.0, 0.1, weights.shape)
                for weights in network.get_weights()
            ]
        )
    return made


STATISTICS = measure(
    np.random.default_rng(7).integers(0, 256, (20, SIZE, SIZE, 3), np.uint8),
    10,
    np.random.default_rng(0),
)


def search(networks, lam=0.1, **changes):
    values = {
        "preset": "reference",
        "iterations": 6,
        "iterations_per_call": 3,
        "batch_size": 4,
        "precision": "float32",
        "device": "cpu",
    }
    options = CompleteOptions.model_validate(values | changes)
    return LatentSearch(*networks, options, lam, seed=1, statistics=STATISTICS)


def targets(count, mask="center", seed=0):
    faces = np.random.default_rng(seed).integers(
        0, 256, (count, SIZE, SIZE, 3), np.uint8
    )
    return [
        Measurement(
            f"{n}.jpg", face, build_mask(mask, SIZE), degradation_of(mask, NOISE)
        )
        for n, face in enumerate(faces)
    ]


def run(searching, faces):
    """The best result for each face."""
    return [candidates[0] for candidates in searching.run(faces)]


def same(one, two):
    return (
        np.array_equal(one.latent, two.latent)
        and np.array_equal(one.generated, two.generated)
        and np.array_equal(one.fitted, two.fitted)
        and np.array_equal(one.history, two.history)
        and (one.start, one.contextual, one.perceptual, one.loss)
        == (two.start, two.contextual, two.perceptual, two.loss)
        and one.diagnosis == two.diagnosis
        and same_posterior(one.posterior, two.posterior)
    )


def same_posterior(one, two):
    if one is None or two is None:
        return one is two
    names = ("mean", "deviation", "low", "high", "frames")
    return all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in names
    ) and np.array_equal(one.draws.variables, two.draws.variables)


EVERYTHING = {
    "preset": "default",
    "iterations": 6,
    "bank_size": 32,
    "starts": 5,
    "candidates": 3,
    "prune_after": 2,
    "contextual": "weighted",
    "projection": "stochastic_clip",
    "learning_rate": 0.5,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "float32"},
        {"precision": "mixed_bfloat16"},
        EVERYTHING,
        EVERYTHING | {"bank_size": 0, "method": "momentum", "learning_rate": 0.01},
    ],
    ids=["reference", "bfloat16", "everything", "momentum"],
)
def test_a_photo_completes_to_the_same_bytes_alone_and_among_65(networks, changes):
    many = targets(65)
    searching = search(networks, **changes)
    together = list(searching.run(many))
    assert len(together) == 65
    for place in (0, 3, 37, 64):
        (alone,) = searching.run([many[place]])
        assert len(alone) == changes.get("candidates", 1)
        assert all(map(same, alone, together[place]))


def test_a_photo_does_not_see_its_neighbours(networks):
    first = targets(4)
    others = [first[0], *targets(4, seed=9)[1:]]
    ours, theirs = (run(search(networks), batch) for batch in (first, others))
    assert same(ours[0], theirs[0])
    assert not same(ours[1], theirs[1])


@pytest.mark.parametrize("mask", ["center", "grid", "random"])
def test_pixels_under_the_mask_change_no_byte(networks, mask):
    (target,) = targets(1, mask)
    changed = target.face.copy()
    changed[~target.mask] = 255 - changed[~target.mask]
    (one,) = run(search(networks), [target])
    (two,) = run(search(networks), [Measurement(target.key, changed, target.mask)])
    assert same(one, two)
    known = changed.copy()
    known[target.mask] ^= 1
    (three,) = run(search(networks), [Measurement(target.key, known, target.mask)])
    assert not same(one, three)


def test_the_history_starts_at_the_loss_of_the_first_latent(networks):
    (target,) = targets(1)
    (found,) = run(search(networks), [target])
    generator, discriminator = networks
    latent = first_latent(1, target.key, 8)[None]
    picture = np.asarray(generator(latent, training=False))
    difference = np.abs(picture[0] - to_float(target.face))[target.mask]
    logit = float(discriminator(picture, training=False)[0, 0])
    assert found.history.shape == (2, 6)
    assert found.history[0, 0] == pytest.approx(difference.sum(), rel=1e-4)
    assert found.history[1, 0] == pytest.approx(np.log1p(np.exp(-logit)), rel=1e-4)


def test_the_picture_is_that_of_the_last_latent(networks):
    (found,) = run(search(networks, iterations=5), targets(1))
    picture = np.asarray(networks[0](found.latent[None], training=False))[0]
    assert np.array_equal(found.generated, to_uint8(picture))
    assert found.history.shape == (2, 5)


def test_a_step_is_projected_adam_on_the_loss_of_the_photo(networks):
    import tensorflow as tf

    (target,) = targets(1)
    generator, discriminator = networks
    latent = tf.Variable(first_latent(1, target.key, 8)[None])
    first = second = 0.0
    face, known = to_float(target.face), target.mask[..., None].astype(np.float32)
    for step in range(1, 7):
        with tf.GradientTape() as tape:
            picture = generator(latent, training=False)
            contextual = tf.reduce_sum(tf.abs(known * (picture - face)))
            logit = discriminator(picture, training=False)[0, 0]
            loss = contextual - 5.0 * tf.math.log_sigmoid(logit)
        gradient = tape.gradient(loss, latent).numpy()
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        change = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        latent.assign(np.clip(latent.numpy() - 0.3 * change, -1.0, 1.0))
    (found,) = run(search(networks, lam=5.0, learning_rate=0.3), [target])
    assert found.latent == pytest.approx(latent.numpy()[0], abs=1e-3)
    assert np.abs(found.latent).max() == 1.0  # the projection was at work


def test_a_picture_of_the_generator_is_found_again(networks):
    latent = np.random.default_rng(3).uniform(-0.9, 0.9, (1, 8)).astype(np.float32)
    face = to_uint8(np.asarray(networks[0](latent, training=False)))[0]
    target = Measurement("made", face, build_mask("center", SIZE))
    strong = search(networks, lam=0.0, iterations=300, learning_rate=0.05)
    (found,) = run(strong, [target])
    assert found.contextual < 0.1 * found.history[0, 0]
    hole = ~target.mask
    error = np.abs(found.generated.astype(int) - face)[hole].mean()
    assert error < 5.0


def test_low_resolution_uses_the_means_of_blocks_alone(networks):
    (target,) = targets(1, "lowres")
    (found,) = run(search(networks), [target])
    assert found.history[0, 0] > 0.0
    # Mirroring inside every block keeps its mean and changes nothing else known.
    factor = SIZE // 2 if SIZE < 16 else 8
    blocks = target.face.reshape(SIZE // factor, factor, SIZE // factor, factor, 3)
    mirrored = blocks[:, ::-1].reshape(SIZE, SIZE, 3)
    (again,) = run(
        search(networks),
        [Measurement(target.key, mirrored, target.mask, Downsampling())],
    )
    assert again.history[0, 0] == pytest.approx(found.history[0, 0], rel=1e-4)


def test_a_grey_photo_is_searched_for_by_its_luminance_alone(networks):
    (target,) = targets(1, "colorize")
    (found,) = run(search(networks), [target])
    grey = Measurement(
        target.key, grey_picture(target.face), target.mask, Decolorization()
    )
    (again,) = run(search(networks), [grey])
    assert again.history[0, 0] == pytest.approx(found.history[0, 0], rel=1e-2)
    generated = luminance(found.generated)
    apart = np.abs(generated - luminance(target.face)).sum() / 127.5
    assert found.contextual == pytest.approx(apart, rel=1e-2)


def test_a_noisy_photo_is_searched_for_by_all_its_pixels(networks):
    (target,) = targets(1, "denoise")
    whole = Measurement(target.key, target.face, np.ones((SIZE, SIZE), bool))
    (found,), (expected,) = (run(search(networks), [one]) for one in (target, whole))
    assert np.array_equal(found.history, expected.history)
    assert np.array_equal(found.generated, expected.generated)


@pytest.mark.parametrize("name", ["lowres", "denoise", "colorize"])
def test_weights_need_no_pixel_that_is_known_as_it_is(networks, name):
    (found,) = run(search(networks, contextual="weighted"), targets(1, name))
    assert found.contextual > 0.0


def test_the_watcher_sees_the_start_every_call_and_the_last_iteration(networks):
    seen = []
    found = list(
        search(networks, iterations=7).run(
            targets(5), lambda *frame: seen.append(frame)
        )
    )
    assert [step for step, _ in seen] == [0, 3, 6, 7] * 2
    assert [len(pictures) for _, pictures in seen] == [4] * 4 + [1] * 4
    assert np.array_equal(seen[-1][1][0], found[4][0].generated)


def test_progress_counts_every_iteration_of_every_search(networks):
    counted = []
    searching = search(networks, iterations=7)
    list(searching.run(targets(5), advance=lambda done, note="": counted.append(done)))
    assert counted == [12, 12, 4, 3, 3, 1]
    assert sum(counted) == 5 * searching.iterations_per_photo
    counted.clear()
    several = search(networks, iterations=7, starts=3, prune_after=2, candidates=2)
    list(several.run(targets(2), advance=lambda done, note="": counted.append(done)))
    assert counted == [12, 4, 12, 4]
    assert sum(counted) == 2 * several.iterations_per_photo


def test_the_first_latent_depends_on_the_photo_and_the_seed():
    assert np.array_equal(first_latent(1, "a", 8), first_latent(1, "a", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(1, "b", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(2, "a", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(1, "a", 8, 1))


def test_faces_and_models_of_different_sizes_are_refused(networks):
    with pytest.raises(ModelError, match=r"faces of 16 pixels, .* has 32"):
        list(
            search(networks).run(
                [
                    Measurement(
                        "x", np.zeros((32, 32, 3), np.uint8), np.ones((32, 32), bool)
                    )
                ]
            )
        )
    other = build_discriminator(Architecture(32, 8, 2, 2), seed=1)
    with pytest.raises(ModelError, match=r"of 16 pixels.* judges 32"):
        search((networks[0], other))


def test_the_bank_gives_the_latents_whose_pictures_fit_the_known_pixels(networks):
    (target,) = targets(1)
    searching = search(networks, bank_size=64, starts=3, candidates=3, iterations=1)
    first = {
        found.start: found for (one,) in [searching.run([target])] for found in one
    }
    difference = to_float(searching.bank.pictures) - to_float(target.face)
    distances = np.abs(difference[:, target.mask]).sum(axis=(1, 2))
    order = np.argsort(distances)
    for start in range(3):
        assert first[start].history[0, 0] == pytest.approx(
            distances[order[start]], rel=1e-2
        )


def test_the_best_iterate_is_kept_if_asked_for(networks):
    # Steps of this size pass by the latent that the face was made of.
    latent = np.zeros((1, 8), np.float32)
    face = to_uint8(np.asarray(networks[0](latent, training=False)))[0]
    made = [Measurement("made", face, build_mask("center", SIZE))]
    wild = {"iterations": 20, "learning_rate": 0.9, "lam": 0.0}
    (last,) = run(search(networks, **wild), made)
    (best,) = run(search(networks, keep="best", **wild), made)
    assert np.array_equal(last.history, best.history)
    met = min(last.history[0].min(), last.contextual)
    assert best.loss == pytest.approx(met, rel=1e-4)
    assert best.loss <= last.loss
    assert last.history[0].argmin() < 19  # and it was not the last


def test_candidates_come_by_loss_and_from_different_starts(networks):
    (found,) = search(networks, starts=6, candidates=4, prune_after=2).run(targets(1))
    assert [one.loss for one in found] == sorted(one.loss for one in found)
    assert len({one.start for one in found}) == 4
    assert all(
        one.loss == pytest.approx(one.contextual + 0.1 * one.perceptual, rel=1e-5)
        for one in found
    )


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


def test_a_cosine_schedule_ends_with_steps_of_nothing(networks):
    (found,) = run(
        search(networks, schedule="cosine", iterations=40, learning_rate=0.3),
        targets(1),
    )
    total = found.history.sum(axis=0)
    assert abs(total[-1] - total[-2]) < 0.02 * abs(total[1] - total[0])


def test_a_latent_searched_for_as_normal_numbers_stays_inside(networks):
    changes = {"projection": "normal", "iterations": 60, "learning_rate": 0.5}
    (found,) = run(search(networks, **changes), targets(1))
    assert np.abs(found.latent).max() < 1.0
    assert found.contextual < found.history[0, 0]
    clipped = first_latent(1, "0.jpg", 8)
    (start,) = run(
        search(
            networks, keep="best", **changes | {"iterations": 1, "learning_rate": 1e-9}
        ),
        targets(1),
    )
    assert start.latent == pytest.approx(clipped, abs=1e-5)


def test_stochastic_clipping_draws_what_leaves_anew(networks):
    wild = {"iterations": 20, "learning_rate": 1.5}
    (clipped,) = run(search(networks, **wild), targets(1))
    (drawn,) = run(search(networks, projection="stochastic_clip", **wild), targets(1))
    assert np.abs(clipped.latent).max() == 1.0
    assert np.abs(drawn.latent).max() < 1.0


RATE = 1e-4


def test_a_step_of_momentum_is_that_of_the_first_paper(networks):
    import tensorflow as tf

    (target,) = targets(1)
    generator, discriminator = networks
    latent = tf.Variable(first_latent(1, target.key, 8)[None])
    velocity = np.zeros((1, 8))
    face, known = to_float(target.face), target.mask[..., None].astype(np.float32)
    for _ in range(6):
        with tf.GradientTape() as tape:
            picture = generator(latent, training=False)
            contextual = tf.reduce_sum(tf.abs(known * (picture - face)))
            logit = discriminator(picture, training=False)[0, 0]
            loss = contextual - 5.0 * tf.math.softplus(logit)
        before = velocity
        velocity = 0.8 * velocity - RATE * tape.gradient(loss, latent).numpy()
        moved = latent.numpy() - 0.8 * before + 1.8 * velocity
        latent.assign(np.clip(moved, -1.0, 1.0))
    rule = {"method": "momentum", "momentum": 0.8, "learning_rate": RATE}
    (found,) = run(search(networks, lam=5.0, prior="saturating", **rule), [target])
    assert found.latent == pytest.approx(latent.numpy()[0], abs=1e-3)


def test_weighted_losses_count_a_pixel_by_its_missing_neighbours(networks):
    (target,) = targets(1)
    (found,) = run(search(networks, contextual="weighted", window=5), [target])
    picture = np.asarray(networks[0](first_latent(1, target.key, 8)[None]))[0]
    expected = 0.0
    for y, x in np.argwhere(target.mask):
        around = target.mask[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
        weight = (~around).sum() / (around.size - 1)
        expected += weight * np.abs(picture[y, x] - to_float(target.face)[y, x]).sum()
    assert found.history[0, 0] == pytest.approx(expected, rel=1e-4)


def test_a_mask_that_leaves_nothing_or_fits_no_face_is_refused(networks):
    (target,) = targets(1)
    nothing = Measurement("d/x.jpg", target.face, np.zeros_like(target.mask))
    with pytest.raises(MaskError, match=r"d/x\.jpg hides the whole face"):
        run(search(networks), [nothing])
    with pytest.raises(MaskError, match=r"\(8, 8\).*16x16"):
        run(search(networks), [Measurement("x", target.face, np.ones((8, 8), bool))])


def test_known_pixels_of_a_completed_face_are_its_own():
    draw = np.random.default_rng(0)
    face, generated = draw.integers(0, 256, (2, 8, 8, 3), np.uint8)
    mask = draw.random((8, 8)) < 0.5
    completed = complete_face(face, generated, mask)
    assert np.array_equal(completed[mask], face[mask])
    assert np.array_equal(completed[~mask], generated[~mask])


def test_what_is_found_is_fitted_to_the_known_pixels_if_asked_for(networks, caplog):
    (target,) = targets(1)
    (plain,) = run(search(networks), [target])
    (fitted,) = run(search(networks, fit="expected", fit_noise=1.0), [target])
    assert np.array_equal(plain.fitted, plain.generated)
    assert np.array_equal(fitted.generated, plain.generated)
    detail = CompleteOptions().detail
    expected = GaussianFit(STATISTICS, 1.0).fit(plain.generated, target, detail)
    assert np.array_equal(fitted.fitted, expected)
    assert not np.array_equal(fitted.fitted, plain.fitted)

    options = CompleteOptions(iterations=1, batch_size=1, bank_size=2, device="cpu")
    without = LatentSearch(*networks, options, 0.1, seed=1)
    (found,) = run(without, [target])
    assert np.array_equal(found.fitted, found.generated)
    assert "no statistics of faces of 16 pixels" in caplog.text


HMC = {
    "preset": "default",
    "method": "hmc",
    "iterations": 6,
    "bank_size": 32,
    "starts": 3,
    "prune_after": 2,
    "candidates": 3,
    "hmc": {"chains": 2, "warm_up": 10, "draws": 4, "leapfrogs": 2},
}


def test_a_photos_posterior_is_the_same_alone_among_others_and_again(networks):
    many = targets(6)
    searching = search(networks, **HMC)
    together = list(searching.run(many))
    for place in (0, 4):
        (alone,) = searching.run([many[place]])
        assert len(alone) == 3
        assert all(map(same, alone, together[place]))
    assert same(run(search(networks, **HMC), many)[2], together[2][0])


def test_chains_give_the_mean_first_and_then_draws(networks):
    (found,) = search(networks, **HMC).run(targets(1))
    mean, *others = found
    posterior = mean.posterior

    variables = posterior.draws.variables.reshape(-1, 8).astype(np.float64)
    latents = (2.0 * norm.cdf(variables) - 1.0).astype(np.float32)
    pictures = np.asarray(networks[0](latents, training=False))
    assert len(pictures) == 8
    assert np.abs(mean.generated - to_uint8(pictures.mean(axis=0))).max() <= 1
    for one in others:
        distances = np.abs(latents - one.latent).max(axis=1)
        drawn = to_uint8(pictures[distances.argmin()])
        assert distances.min() < 1e-5
        assert np.abs(one.generated.astype(int) - drawn).max() <= 1
    assert [one.loss for one in others] == sorted(one.loss for one in others)
    assert mean.diagnosis.effective_size > 0


def test_progress_counts_leapfrogs_too(networks):
    counted = []
    searching = search(networks, **HMC)
    list(searching.run(targets(5), advance=lambda done, note="": counted.append(done)))
    assert sum(counted) == 5 * searching.iterations_per_photo
