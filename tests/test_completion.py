import numpy as np
import pytest

from facefill.completion import (
    Search,
    Target,
    complete_face,
    counting,
    first_latent,
)
from facefill.errors import ModelError
from facefill.images import to_float, to_uint8
from facefill.masks import build_mask
from facefill.networks import Architecture, build_discriminator, build_generator
from facefill.parameters import CompleteOptions

SIZE = 16
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


def search(networks, lam=0.1, **changes):
    values = {
        "iterations": 6,
        "iterations_per_call": 3,
        "batch_size": 4,
        "precision": "float32",
        "device": "cpu",
    }
    options = CompleteOptions.model_validate(values | changes)
    return Search(*networks, options, lam, seed=1)


def targets(count, mask="center", seed=0):
    faces = np.random.default_rng(seed).integers(
        0, 256, (count, SIZE, SIZE, 3), np.uint8
    )
    return [
        Target(f"{n}.jpg", face, build_mask(mask, SIZE), mask == "lowres")
        for n, face in enumerate(faces)
    ]


def same(one, two):
    return (
        np.array_equal(one.latent, two.latent)
        and np.array_equal(one.generated, two.generated)
        and np.array_equal(one.contextual, two.contextual)
        and np.array_equal(one.perceptual, two.perceptual)
    )


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_photo_completes_to_the_same_bytes_alone_and_among_65(networks, precision):
    many = targets(65)
    together = list(search(networks, precision=precision).run(many))
    assert len(together) == 65
    for place in (0, 3, 37, 64):
        (alone,) = search(networks, precision=precision).run([many[place]])
        assert same(alone, together[place])


def test_a_photo_does_not_see_its_neighbours(networks):
    first = targets(4)
    others = [first[0], *targets(4, seed=9)[1:]]
    ours, theirs = (list(search(networks).run(batch)) for batch in (first, others))
    assert same(ours[0], theirs[0])
    assert not same(ours[1], theirs[1])


@pytest.mark.parametrize("mask", ["center", "grid", "random"])
def test_pixels_under_the_mask_change_no_byte(networks, mask):
    (target,) = targets(1, mask)
    changed = target.face.copy()
    changed[~target.mask] = 255 - changed[~target.mask]
    (one,) = search(networks).run([target])
    (two,) = search(networks).run([Target(target.key, changed, target.mask)])
    assert same(one, two)
    known = changed.copy()
    known[target.mask] ^= 1
    (three,) = search(networks).run([Target(target.key, known, target.mask)])
    assert not same(one, three)


def test_the_history_starts_at_the_loss_of_the_first_latent(networks):
    (target,) = targets(1)
    (found,) = search(networks).run([target])
    generator, discriminator = networks
    latent = first_latent(1, target.key, 8)[None]
    picture = np.asarray(generator(latent, training=False))
    difference = np.abs(picture[0] - to_float(target.face))[target.mask]
    logit = float(discriminator(picture, training=False)[0, 0])
    assert found.contextual.shape == (6,)
    assert found.contextual[0] == pytest.approx(difference.sum(), rel=1e-4)
    assert found.perceptual[0] == pytest.approx(np.log1p(np.exp(-logit)), rel=1e-4)


def test_the_picture_is_that_of_the_last_latent(networks):
    (found,) = search(networks, iterations=5).run(targets(1))
    picture = np.asarray(networks[0](found.latent[None], training=False))[0]
    assert np.array_equal(found.generated, to_uint8(picture))
    assert len(found.contextual) == 5


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
    (found,) = search(networks, lam=5.0, learning_rate=0.3).run([target])
    assert found.latent == pytest.approx(latent.numpy()[0], abs=1e-3)
    assert np.abs(found.latent).max() == 1.0  # the projection was at work


def test_a_picture_of_the_generator_is_found_again(networks):
    latent = np.random.default_rng(3).uniform(-0.9, 0.9, (1, 8)).astype(np.float32)
    face = to_uint8(np.asarray(networks[0](latent, training=False)))[0]
    target = Target("made", face, build_mask("center", SIZE))
    strong = search(networks, lam=0.0, iterations=300, learning_rate=0.05)
    (found,) = strong.run([target])
    assert found.contextual[-1] < 0.1 * found.contextual[0]
    hole = ~target.mask
    error = np.abs(found.generated.astype(int) - face)[hole].mean()
    assert error < 5.0


def test_low_resolution_uses_the_means_of_blocks_alone(networks):
    (target,) = targets(1, "lowres")
    (found,) = search(networks).run([target])
    assert found.contextual[0] > 0.0
    # Mirroring inside every block keeps its mean and changes nothing else known.
    factor = SIZE // 2 if SIZE < 16 else 8
    blocks = target.face.reshape(SIZE // factor, factor, SIZE // factor, factor, 3)
    mirrored = blocks[:, ::-1].reshape(SIZE, SIZE, 3)
    (again,) = search(networks).run(
        [Target(target.key, mirrored, target.mask, low_resolution=True)]
    )
    assert again.contextual[0] == pytest.approx(found.contextual[0], rel=1e-4)


def test_the_watcher_sees_the_start_every_call_and_the_last_iteration(networks):
    seen = []
    found = list(
        search(networks, iterations=7).run(
            targets(5), lambda *frame: seen.append(frame)
        )
    )
    assert [step for step, _ in seen] == [0, 3, 6, 7] * 2
    assert [len(pictures) for _, pictures in seen] == [4] * 4 + [1] * 4
    assert np.array_equal(seen[-1][1][0], found[4].generated)


def test_progress_counts_every_iteration_of_every_photo(networks):
    counted = []
    watch = counting(lambda done, note="": counted.append(done))
    list(search(networks, iterations=7).run(targets(5), watch))
    assert counted == [12, 12, 4, 3, 3, 1]


def test_the_first_latent_depends_on_the_photo_and_the_seed():
    assert np.array_equal(first_latent(1, "a", 8), first_latent(1, "a", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(1, "b", 8))
    assert not np.array_equal(first_latent(1, "a", 8), first_latent(2, "a", 8))


def test_faces_and_models_of_different_sizes_are_refused(networks):
    with pytest.raises(ModelError, match=r"faces of 16 pixels, .* has 32"):
        list(
            search(networks).run(
                [Target("x", np.zeros((32, 32, 3), np.uint8), np.ones((32, 32), bool))]
            )
        )
    other = build_discriminator(Architecture(32, 8, 2, 2), seed=1)
    with pytest.raises(ModelError, match=r"of 16 pixels.* judges 32"):
        search((networks[0], other))


def test_known_pixels_of_a_completed_face_are_its_own():
    draw = np.random.default_rng(0)
    face, generated = draw.integers(0, 256, (2, 8, 8, 3), np.uint8)
    mask = draw.random((8, 8)) < 0.5
    completed = complete_face(face, generated, mask)
    assert np.array_equal(completed[mask], face[mask])
    assert np.array_equal(completed[~mask], generated[~mask])
