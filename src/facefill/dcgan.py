"""The DCGAN as one function of (state, batch), for any backend.

The step runs K times in the graph between two looks at the losses. In the lean
order both networks learn from one pass of the generator and one of the
discriminator over photos and pictures: 3.3 GFLOP a photo at the default sizes,
against 7.2 of the reference, which runs the generator anew for each update and
again to print the losses.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from facefill import augmentation, backend, losses
from facefill.adam import AdamRule
from facefill.errors import NonFiniteError
from facefill.images import to_uint8
from facefill.losses import Tensor
from facefill.model_files import ModelPair
from facefill.networks import (
    Architecture,
    build_discriminator,
    build_generator,
    rebuild,
)
from facefill.parameters import TrainOptions
from facefill.states import Batch, NetworkState, State, assign, initial_network_state

METRICS = ("loss_real", "loss_fake", "loss_generator", "d_real", "d_fake")
"""What a step records: the losses, and mean D(x) and D(G(z)) in [0, 1]."""


class Trainer:
    """The two networks and the step that trains them."""

    def __init__(
        self,
        options: TrainOptions,
        image_size: int,
        seed: int,
        start: ModelPair | None = None,
    ) -> None:
        """Build both networks with weights drawn from the seed, or copy ``start``.

        The layers of ``start`` count then, not the widths of the options.

        Raises:
            ModelError: If ``start`` is of another image or latent size.
        """
        self.options = options
        self.seed = seed
        self.architecture = Architecture(
            image_size=image_size,
            latent_size=options.latent_size,
            generator_width=options.generator_width,
            discriminator_width=options.discriminator_width,
        )
        precision = backend.resolve_precision(options.precision, options.device)
        networks = start or ModelPair(
            build_generator(self.architecture, seed),
            build_discriminator(self.architecture, seed),
        )
        networks.require_sizes(image_size, options.latent_size)
        self._generator = rebuild(networks.generator, precision)
        self._discriminator = rebuild(networks.discriminator, precision)
        self._rule = AdamRule(options.learning_rate, options.beta_1)
        self._advance = backend.compiled(self._advance_in_graph, options.device)
        self._paint = backend.compiled(self._paint_in_graph, options.device)

    def initial_state(self) -> State:
        """Give the state before the first step."""
        generator = initial_network_state(self._generator)
        return State(
            step=ops.convert_to_tensor(0, "int32"),
            generator=generator,
            discriminator=initial_network_state(self._discriminator),
            average=[*generator.weights, *generator.statistics],
        )

    @property
    def start(self) -> str:
        """Name what the training starts from, and the sizes that it brings along."""
        counts = self._generator.count_params(), self._discriminator.count_params()
        return f"{self.options.start_from} ({counts[0]} and {counts[1]} weights)"

    def advance(self, state: State, batches: Batch) -> tuple[State, np.ndarray]:
        """Take as many steps as there are batches, in the graph.

        Returns:
            The state after them, and the metrics (steps, len(METRICS)).

        Raises:
            NonFiniteError: If a metric of one of the steps is not finite.
        """
        first = int(state.step)
        state, records = self._advance(state, batches)
        metrics = np.asarray(ops.convert_to_numpy(records))
        _require_finite(metrics, first)
        return state, metrics

    def paint(self, state: State, latents: np.ndarray) -> np.ndarray:
        """Sample the averaged generator in inference mode; uint8 (N, S, S, 3)."""
        pictures = self._paint(state.average, ops.convert_to_tensor(latents))
        return to_uint8(np.asarray(ops.convert_to_numpy(pictures)))

    def models(self, state: State) -> tuple[keras.Model, keras.Model]:
        """Give the averaged generator and the discriminator, in float32."""
        generator = rebuild(self._generator, "float32")
        discriminator = rebuild(self._discriminator, "float32")
        split = len(state.generator.weights)
        assign(generator, state.average[:split], state.average[split:])
        assign(
            discriminator, state.discriminator.weights, state.discriminator.statistics
        )
        return generator, discriminator

    def _advance_in_graph(self, state: State, batches: Batch) -> tuple[State, Tensor]:
        return backend.repeat(self._step, state, batches, len(METRICS))

    def _paint_in_graph(self, average: list[Tensor], latents: Tensor) -> Tensor:
        split = len(self._generator.trainable_variables)
        pictures, _ = self._generator.stateless_call(
            average[:split], average[split:], latents, training=False
        )
        return pictures

    def _step(self, state: State, batch: Batch) -> tuple[State, Tensor]:
        """Update D once and G as often as the options say."""
        photos = augmentation.to_network_range(batch.images)
        if self.options.flip:
            photos = augmentation.flip(photos, batch.flips)
        if self.options.update_order == "simultaneous":
            update = self._update_both
            remaining = self.options.generator_updates - 1
        else:
            update = self._update_discriminator
            remaining = self.options.generator_updates
        generator, discriminator, metrics = update(state, photos, batch.latents)
        for repetition in range(remaining):
            count = state.step * self.options.generator_updates + (
                self.options.generator_updates - remaining + repetition
            )
            generator = self._update_generator(
                generator, discriminator, batch.latents, count
            )
        changed = State(
            step=state.step + 1,
            generator=generator,
            discriminator=discriminator,
            average=self._averaged(state, generator),
        )
        return changed, metrics

    def _update_both(
        self, state: State, photos: Tensor, latents: Tensor
    ) -> tuple[NetworkState, NetworkState, Tensor]:
        """Update both networks from the same passes."""

        def forward(weights_d: list[Tensor], weights_g: list[Tensor]) -> Any:
            pictures, statistics_g = self._generator.stateless_call(
                weights_g, state.generator.statistics, latents, training=True
            )
            real, fake, statistics_d = self._judge(
                weights_d, state.discriminator.statistics, photos, pictures
            )
            loss_d = sum(losses.discriminator_losses(real, fake))
            loss_g = losses.generator_loss(fake)
            return (loss_d, loss_g), (real, fake, statistics_d, statistics_g)

        found, (real, fake, statistics_d, statistics_g) = backend.gradients(
            forward, (state.discriminator.weights, state.generator.weights)
        )
        count = state.step * self.options.generator_updates
        return (
            self._apply(state.generator, found[1], statistics_g, count),
            self._apply(state.discriminator, found[0], statistics_d, state.step),
            _metrics(real, fake),
        )

    def _update_discriminator(
        self, state: State, photos: Tensor, latents: Tensor
    ) -> tuple[NetworkState, NetworkState, Tensor]:
        """Update D alone; G is returned as it was, its statistics too."""
        pictures, _ = self._generator.stateless_call(
            state.generator.weights, state.generator.statistics, latents, training=True
        )

        def forward(weights: list[Tensor]) -> Any:
            real, fake, statistics = self._judge(
                weights, state.discriminator.statistics, photos, pictures
            )
            loss = sum(losses.discriminator_losses(real, fake))
            return (loss,), (real, fake, statistics)

        found, (real, fake, statistics) = backend.gradients(
            forward, (state.discriminator.weights,)
        )
        discriminator = self._apply(
            state.discriminator, found[0], statistics, state.step
        )
        return state.generator, discriminator, _metrics(real, fake)

    def _update_generator(
        self,
        generator: NetworkState,
        discriminator: NetworkState,
        latents: Tensor,
        count: Tensor,
    ) -> NetworkState:
        """Update G alone, against D as it now is."""

        def forward(weights: list[Tensor]) -> Any:
            pictures, statistics = self._generator.stateless_call(
                weights, generator.statistics, latents, training=True
            )
            logits, _ = self._discriminator.stateless_call(
                discriminator.weights, discriminator.statistics, pictures, training=True
            )
            return (losses.generator_loss(logits),), statistics

        found, statistics = backend.gradients(forward, (generator.weights,))
        return self._apply(generator, found[0], statistics, count)

    def _judge(
        self,
        weights: list[Tensor],
        statistics: list[Tensor],
        photos: Tensor,
        pictures: Tensor,
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Run D on photos, then on pictures, each with its own batch norm."""
        real, statistics = self._discriminator.stateless_call(
            weights, statistics, photos, training=True
        )
        fake, statistics = self._discriminator.stateless_call(
            weights, statistics, pictures, training=True
        )
        return real, fake, statistics

    def _apply(
        self,
        network: NetworkState,
        gradients: Sequence[Tensor],
        statistics: list[Tensor],
        count: Tensor,
    ) -> NetworkState:
        updates = [
            self._rule.update(value, gradient, moments, count)
            for value, gradient, moments in zip(
                network.weights, gradients, network.moments, strict=True
            )
        ]
        return NetworkState(
            weights=[value for value, _ in updates],
            statistics=list(statistics),
            moments=[moments for _, moments in updates],
        )

    def _averaged(self, state: State, generator: NetworkState) -> list[Tensor]:
        """Move the average towards the new generator.

        The decay starts low, so that the average forgets the first, shapeless
        generators: a tenth of the steps done is its memory until
        ``average_decay`` bounds it.
        """
        step = ops.cast(state.step, "float32")
        decay = ops.minimum(self.options.average_decay, (1.0 + step) / (10.0 + step))
        if self.options.average_decay == 0.0:
            decay = ops.zeros(())
        values = [*generator.weights, *generator.statistics]
        return [
            new + decay * (old - new)
            for old, new in zip(state.average, values, strict=True)
        ]


def _metrics(real: Tensor, fake: Tensor) -> Tensor:
    loss_real, loss_fake = losses.discriminator_losses(real, fake)
    return ops.stack(
        [
            loss_real,
            loss_fake,
            losses.generator_loss(fake),
            ops.mean(ops.sigmoid(real)),
            ops.mean(ops.sigmoid(fake)),
        ]
    )


def _require_finite(metrics: np.ndarray, first: int) -> None:
    rows, columns = np.nonzero(~np.isfinite(metrics))
    if len(rows):
        name, value = METRICS[columns[0]], metrics[rows[0], columns[0]]
        raise NonFiniteError(
            f"{name} is {value} at step {first + int(rows[0]) + 1}; training stops, "
            "its last checkpoint stays; lower train.learning_rate"
        )
