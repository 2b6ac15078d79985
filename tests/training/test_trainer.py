import keras
import numpy as np
import pytest
import tensorflow as tf

from facefill.errors import ModelError, NonFiniteError
from facefill.models.dcgan import (
    Architecture,
    build_discriminator,
    build_generator,
    build_generator_of_widths,
)
from facefill.models.files import ModelPair
from facefill.parameters import TrainOptions
from facefill.training.state import Batch
from facefill.training.trainer import Trainer

SIZE = 16
STEPS = 3


def options(**changes):
    values = {
        "batch_size": 8,
        "latent_size": 6,
        "generator_width": 4,
        "discriminator_width": 4,
        "precision": "float32",
        "device": "cpu",
    }
    return TrainOptions.model_validate(values | changes)


def stack(steps=STEPS, seed=0):
    draw = np.random.default_rng(seed)
    return Batch(
        images=draw.integers(0, 256, (steps, 8, SIZE, SIZE, 3), np.uint8),
        latents=draw.uniform(-1, 1, (steps, 8, 6)).astype(np.float32),
        flips=draw.random((steps, 8)) < 0.5,
    )


class PlainGan:
    """The same rule written the plain way: eager TensorFlow and Keras's Adam."""

    def __init__(self, trainer):
        self.generator = build_generator(trainer.architecture, trainer.seed)
        self.discriminator = build_discriminator(trainer.architecture, trainer.seed)
        self.optimizers = [
            keras.optimizers.Adam(2e-4, beta_1=0.5, epsilon=1e-8) for _ in range(2)
        ]
        self.entropy = keras.losses.BinaryCrossentropy(from_logits=True)

    def losses(self, photos, latents):
        pictures = self.generator(latents, training=True)
        real = self.discriminator(photos, training=True)
        fake = self.discriminator(pictures, training=True)
        return (
            self.entropy(tf.ones_like(real), real),
            self.entropy(tf.zeros_like(fake), fake),
            self.entropy(tf.ones_like(fake), fake),
        )

    def step_simultaneously(self, photos, latents):
        with tf.GradientTape(persistent=True) as tape:
            real, fake, generator = self.losses(photos, latents)
            discriminator = real + fake
        found = [
            tape.gradient(discriminator, self.discriminator.trainable_weights),
            tape.gradient(generator, self.generator.trainable_weights),
        ]
        self.apply(found[0], self.discriminator, 0)
        self.apply(found[1], self.generator, 1)
        return float(real), float(fake), float(generator)

    def step_alternately(self, photos, latents):
        kept = [value.numpy() for value in self.generator.non_trainable_weights]
        with tf.GradientTape() as tape:
            real, fake, generator = self.losses(photos, latents)
            discriminator = real + fake
        for variable, value in zip(
            self.generator.non_trainable_weights, kept, strict=True
        ):
            variable.assign(value)
        weights = self.discriminator.trainable_weights
        self.apply(tape.gradient(discriminator, weights), self.discriminator, 0)
        for _ in range(2):
            statistics = [
                value.numpy() for value in self.discriminator.non_trainable_weights
            ]
            with tf.GradientTape() as tape:
                pictures = self.generator(latents, training=True)
                fake_again = self.discriminator(pictures, training=True)
                loss = self.entropy(tf.ones_like(fake_again), fake_again)
            found = tape.gradient(loss, self.generator.trainable_weights)
            self.apply(found, self.generator, 1)
            for variable, value in zip(
                self.discriminator.non_trainable_weights, statistics, strict=True
            ):
                variable.assign(value)
        return float(real), float(fake), float(generator)

    def apply(self, gradients, network, place):
        self.optimizers[place].apply_gradients(
            zip(gradients, network.trainable_weights, strict=True)
        )


@pytest.mark.parametrize("preset", ["default", "reference"])
def test_the_step_equals_the_rule_written_the_plain_way(preset):
    trainer = Trainer(
        options(preset=preset, batch_size=8, flip=True, average_decay=0.0), SIZE, 1
    )
    plain = PlainGan(trainer)
    state, metrics = trainer.advance(trainer.initial_state(), stack())
    step = plain.step_simultaneously if preset == "default" else plain.step_alternately
    for images, latents, flips, row in zip(*stack()[:3], metrics, strict=True):
        photos = images.astype(np.float32) / 127.5 - 1.0
        photos[flips] = photos[flips, :, ::-1]
        assert row[:3] == pytest.approx(step(photos, latents), rel=1e-3)
    ours, theirs = trainer.models(state), (plain.generator, plain.discriminator)
    for our, their in zip(ours, theirs, strict=True):
        for one, two in zip(our.get_weights(), their.get_weights(), strict=True):
            # A step moves a weight by up to 2e-4, whatever its gradient.
            assert np.abs(one - two).mean() < 1e-5
    assert int(state.step) == STEPS


def test_the_number_of_steps_in_a_call_changes_nothing():
    trainer = Trainer(options(), SIZE, 1)
    together, _ = trainer.advance(trainer.initial_state(), stack())
    alone = trainer.initial_state()
    for step in range(STEPS):
        part = Batch(*(values[step : step + 1] for values in stack()[:3]))
        alone, _ = trainer.advance(alone, part)
    for one, two in zip(
        keras.tree.flatten(together), keras.tree.flatten(alone), strict=True
    ):
        assert np.array_equal(one, two)


def test_the_average_holds_weights_and_statistics_with_a_rising_decay():
    trainer = Trainer(options(average_decay=0.5), SIZE, 1)
    before = trainer.initial_state()
    expected = [np.asarray(value) for value in before.average]
    state = before
    for step in range(STEPS):
        part = Batch(*(values[step : step + 1] for values in stack()[:3]))
        state, _ = trainer.advance(state, part)
        decay = min(0.5, (1 + step) / (10 + step))
        values = [*state.generator.weights, *state.generator.statistics]
        expected = [
            decay * old + (1 - decay) * np.asarray(new)
            for old, new in zip(expected, values, strict=True)
        ]
    assert len(state.average) == len(values)
    for ours, theirs in zip(state.average, expected, strict=True):
        assert np.asarray(ours) == pytest.approx(theirs, abs=1e-6)


def test_without_an_average_the_models_are_the_networks_themselves():
    trainer = Trainer(options(average_decay=0.0), SIZE, 1)
    state, _ = trainer.advance(trainer.initial_state(), stack())
    generator, _ = trainer.models(state)
    for ours, theirs in zip(
        generator.trainable_weights, state.generator.weights, strict=True
    ):
        assert np.array_equal(ours, theirs)


def test_a_picture_does_not_depend_on_the_others_painted_with_it():
    trainer = Trainer(options(), SIZE, 1)
    state, _ = trainer.advance(trainer.initial_state(), stack())
    latents = np.random.default_rng(5).uniform(-1, 1, (4, 6)).astype(np.float32)
    others = latents.copy()
    others[1:] *= -1.0
    assert np.array_equal(
        trainer.generate(state, latents)[0], trainer.generate(state, others)[0]
    )


@pytest.mark.parametrize(("weight", "exact"), [(0.0, False), (10.0, True)])
def test_batch_norms_can_be_derived_twice_where_there_is_a_penalty(weight, exact):
    trainer = Trainer(options(r1_weight=weight), SIZE, 1)
    inside = [getattr(layer, "synchronized", None) for layer in discriminator(trainer)]
    assert exact in inside
    assert (not exact) not in inside
    _, written = trainer.models(trainer.initial_state())
    assert not any(getattr(layer, "synchronized", False) for layer in written.layers)


def discriminator(trainer):
    return trainer._discriminator.layers


def test_a_loss_that_is_not_finite_stops_with_its_name_and_step():
    trainer = Trainer(options(learning_rate=1e20), SIZE, 1)
    with pytest.raises(NonFiniteError, match=r"loss_\w+ is (nan|inf) at step [23]"):
        trainer.advance(trainer.initial_state(), stack())


def test_bfloat16_follows_float32_and_keeps_weights_in_float32():
    half = Trainer(options(precision="mixed_bfloat16"), SIZE, 1)
    full = Trainer(options(), SIZE, 1)
    state, metrics = half.advance(half.initial_state(), stack())
    _, expected = full.advance(full.initial_state(), stack())
    assert metrics.shape == (STEPS, len(half.metrics))
    assert metrics == pytest.approx(expected, abs=0.1)
    assert not np.array_equal(metrics, expected)
    assert {str(value.dtype.name) for value in state.generator.weights} == {"float32"}


def models_to_start_from(**changes):
    """A pair that no seed of a training would draw, with statistics that moved."""
    trainer = Trainer(options(**changes), SIZE, 7)
    state, _ = trainer.advance(trainer.initial_state(), stack())
    return ModelPair(*trainer.models(state))


def test_a_training_starts_from_models_with_fresh_moments_and_their_average():
    start = models_to_start_from(average_decay=0.0)
    trainer = Trainer(options(), SIZE, 1, start)
    state = trainer.initial_state()

    generator, discriminator = trainer.models(state)

    for made, given in ((generator, start.generator), (discriminator, start[1])):
        for one, other in zip(made.get_weights(), given.get_weights(), strict=True):
            assert np.array_equal(one, other)
    assert int(state.step) == 0
    moments = [state.generator.moments, state.discriminator.moments]
    assert all(not np.any(value) for value in keras.tree.flatten(moments))
    # It is the same training as that of a trainer that holds these weights.
    changed, metrics = trainer.advance(state, stack(seed=3))
    plain = Trainer(options(), SIZE, 7, start)
    other, same = plain.advance(plain.initial_state(), stack(seed=3))
    assert np.array_equal(metrics, same)
    assert np.array_equal(changed.average[0], other.average[0])
    drawn = Trainer(options(), SIZE, 1)
    _, different = drawn.advance(drawn.initial_state(), stack(seed=3))
    assert not np.array_equal(metrics, different)


def test_layers_to_start_from_count_and_not_the_widths_of_the_options():
    start = ModelPair(
        build_generator_of_widths(6, [8, 8], seed=1, project_bias=True),
        build_discriminator(Architecture(SIZE, 6, 4, 2), seed=1),
    )
    trainer = Trainer(options(precision="mixed_bfloat16"), SIZE, 1, start)
    state, metrics = trainer.advance(trainer.initial_state(), stack())

    assert np.isfinite(metrics).all()
    shapes = [value.shape for value in trainer.models(state)[0].get_weights()]
    assert shapes == [value.shape for value in start.generator.get_weights()]


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_a_discriminator_with_other_norms_is_no_start(norm):
    start = models_to_start_from()
    with pytest.raises(ModelError, match=f"has batch norms, but .* is {norm}"):
        Trainer(options(discriminator_norm=norm), SIZE, 1, start)


@pytest.mark.parametrize(
    ("image_size", "latent_size", "message"),
    [
        (32, 6, "have image_size 16, but it is set to 32; set image_size to 16"),
        (16, 9, "have train.latent_size 6, but it is set to 9"),
    ],
)
def test_models_of_other_sizes_are_no_start(image_size, latent_size, message):
    start = models_to_start_from()
    with pytest.raises(ModelError, match=message):
        Trainer(options(latent_size=latent_size), image_size, 1, start)
