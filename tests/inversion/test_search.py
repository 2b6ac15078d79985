"""What a search promises, whatever it is made of."""

from dataclasses import replace

import numpy as np
import pytest

from facefill.errors import MaskError, ModelError
from facefill.imaging.colour import grey_picture, luminance
from facefill.imaging.degradations import Decolorization, Downsampling
from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import to_uint8
from facefill.inversion.measurement import Measurement
from facefill.inversion.pca_fit import GaussianFit, noise_of
from facefill.inversion.search import LatentSearch
from facefill.models import pretrained
from facefill.models.companions import Companions
from facefill.models.dcgan import Architecture, build_discriminator
from facefill.parameters import CompleteOptions
from searching import (
    EVERYTHING,
    HMC,
    REFERENCE_HMC,
    SIZE,
    STATISTICS,
    run,
    same,
    search,
    targets,
)


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


def test_the_picture_is_that_of_the_last_latent(networks):
    (found,) = run(search(networks, iterations=5), targets(1))
    picture = np.asarray(networks[0](found.latent[None], training=False))[0]
    assert np.array_equal(found.generated, to_uint8(picture))
    assert found.history.shape == (2, 5)


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


def test_a_mask_that_leaves_nothing_or_fits_no_face_is_refused(networks):
    (target,) = targets(1)
    nothing = Measurement("d/x.jpg", target.face, np.zeros_like(target.mask))
    with pytest.raises(MaskError, match=r"d/x\.jpg hides the whole face"):
        run(search(networks), [nothing])
    with pytest.raises(MaskError, match=r"\(8, 8\).*16x16"):
        run(search(networks), [Measurement("x", target.face, np.ones((8, 8), bool))])


def test_what_is_found_is_fitted_to_the_known_pixels_if_asked_for(networks, caplog):
    (target,) = targets(1)
    (plain,) = run(search(networks), [target])
    (fitted,) = run(search(networks, fit="expected", fit_noise=1.0), [target])
    assert np.array_equal(plain.fitted, plain.generated)
    assert np.array_equal(fitted.generated, plain.generated)
    detail = CompleteOptions().fidelity
    expected = GaussianFit(STATISTICS, noise_of(1.0, 20)).fit(
        plain.generated, target, detail
    )
    assert np.array_equal(fitted.fitted, expected)
    assert not np.array_equal(fitted.fitted, plain.fitted)

    options = CompleteOptions(iterations=1, batch_size=1, bank_size=2, device="cpu")
    without = LatentSearch(*networks, options, 0.1, seed=1)
    (found,) = run(without, [target])
    assert np.array_equal(found.fitted, found.generated)
    assert "no statistics of faces of 16 pixels" in caplog.text


def test_a_face_that_a_refiner_draws_the_detail_of_has_less_of_the_generators():
    pair, statistics = pretrained.load_pair(), pretrained.load_statistics()
    (inpainted,) = targets(1, "center", size=64)
    (grey,) = targets(1, "colorize", size=64)
    options = CompleteOptions(fidelity=0.6, iterations=1, starts=1, device="cpu")
    of_mean = options.model_copy(update={"refine": "mean"})

    refining, expecting = (
        LatentSearch(*pair, each, 0.1, 1, Companions(statistics))
        for each in (options, of_mean)
    )

    def detail(target, searching):
        (found,) = run(searching, [target])
        fit = GaussianFit(statistics, noise_of(options.fit_noise, statistics.num_faces))
        shares = (0.36, 0.6, 0.6**4)
        made = [fit.fit(found.generated, target, share) for share in shares]
        return [np.array_equal(found.fitted, each) for each in made]

    assert detail(inpainted, refining) == [True, False, False]
    assert detail(inpainted, refining.unrefined()) == [False, True, False]
    assert detail(inpainted, expecting) == [False, False, True]
    assert detail(grey, refining) == [False, True, False]


def test_the_statistics_that_come_with_facefill_can_be_asked_for():
    pair, own = pretrained.load_pair(), pretrained.load_statistics()
    few = replace(own, num_faces=20)

    def fingerprint(companions, **options):
        every = CompleteOptions(bank_size=2, device="cpu", **options)
        return LatentSearch(*pair, every, 0.1, 1, companions).fingerprint

    asked = fingerprint(Companions(few), fit_statistics="pretrained")

    assert asked == fingerprint(Companions(own))
    assert asked != fingerprint(Companions(few))


@pytest.mark.parametrize(
    "changes",
    [{}, EVERYTHING, HMC, REFERENCE_HMC],
    ids=["reference", "everything", "hmc", "reference hmc"],
)
def test_a_photo_completes_to_the_same_bytes_among_others_of_another_task(
    networks, changes
):
    mixed = targets(9, "center", "lowres", "colorize", "denoise")
    searching, seen = search(networks, **changes), []
    together = list(searching.run(mixed, lambda *frame: seen.append(frame)))
    for index, target in enumerate(mixed):
        (alone,) = searching.run([target])
        assert all(map(same, alone, together[index]))
    assert [len(pictures) for _, pictures in seen] == [
        *[4] * (len(seen) // 3 * 2),
        *[1] * (len(seen) // 3),
    ]


def test_the_settings_say_all_that_decides_an_outcome(networks):
    def settings(lam=0.1, seed=1, statistics=STATISTICS, **changes):
        options = CompleteOptions.model_validate({"device": "cpu"} | changes)
        made = LatentSearch(*networks, options, lam, seed, Companions(statistics))
        return made.settings_sha256

    first = settings()
    assert settings(batch_size=2, frames_per_second=3.0) == first
    others = [
        settings(lam=0.2),
        settings(seed=2),
        settings(statistics=None),
        settings(iterations=5),
        settings(noise=3.0),
    ]
    assert len({first, *others}) == 6
    # Photos that were completed without chains stay as they are.
    wider = {"hmc": {"hidden_growth": 0.5}}
    assert settings(**wider) == first
    assert settings(method="hmc", **wider) != settings(method="hmc")
