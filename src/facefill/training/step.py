"""GAN training step: simultaneous or alternating Adam updates of G and D."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from facefill.backend import graph
from facefill.backend.optimizers import AdamRule
from facefill.backend.types import Tensor
from facefill.parameters import TrainOptions
from facefill.training import losses
from facefill.training.discriminator import DiscriminatorPass, Logits
from facefill.training.state import NetworkState, TrainState

Inputs = tuple[Tensor, Tensor, Tensor]
"""Photos in [-1, 1], latents, draws of the augmentation."""

METRICS = ("loss_real", "loss_fake", "loss_generator", "d_real", "d_fake")
"""Names of what a step records: the losses, and mean D(x) and D(G(z)) in [0, 1]."""


class GanStep:
    """Updates D once a step, and G as often as the options say."""

    def __init__(
        self,
        generator: keras.Model,
        discriminator: DiscriminatorPass,
        options: TrainOptions,
    ) -> None:
        """Take the networks, whose state is passed to each call."""
        self._generator = generator
        self._discriminator = discriminator
        self._options = options
        rate_g, rate_d = options.learning_rate, options.discriminator_learning_rate
        self._adam_g = AdamRule(rate_g, options.beta_1)
        self._adam_d = AdamRule(rate_g if rate_d is None else rate_d, options.beta_1)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of what a step records."""
        return METRICS + (("penalty",) if self._options.r1_weight > 0.0 else ())

    def step(
        self, state: TrainState, inputs: Inputs
    ) -> tuple[NetworkState, NetworkState, Tensor]:
        """Update both networks.

        Returns:
            G and D after the step, and its record (len(metrics),).
        """
        if self._options.update_order == "simultaneous":
            update, done = self._update_both, 1
        else:
            update, done = self._update_discriminator, 0
        generator, discriminator, metrics = update(state, inputs)
        for repetition in range(done, self._options.generator_updates):
            count = state.step * self._options.generator_updates + repetition
            generator = self._update_generator(generator, discriminator, inputs, count)
        return generator, discriminator, metrics

    def _update_both(
        self, state: TrainState, inputs: Inputs
    ) -> tuple[NetworkState, NetworkState, Tensor]:
        """Update both networks from the same passes."""
        photos, latents, draws = inputs

        def forward(weights_d: list[Tensor], weights_g: list[Tensor]) -> Any:
            pictures, statistics = self._generate(state.generator, weights_g, latents)
            logits = self._discriminator.compare(
                state.discriminator._replace(weights=weights_d),
                (photos, pictures, draws),
                state.step,
            )
            loss_g = losses.generator_loss(logits.fake)
            return (self._loss(logits), loss_g), (logits, statistics)

        gradients, (logits, statistics) = graph.gradients(
            forward, (state.discriminator.weights, state.generator.weights)
        )
        gradients = graph.mean_over_replicas(gradients)
        count = state.step * self._options.generator_updates
        return (
            apply_gradients(
                self._adam_g, state.generator, gradients[1], statistics, count
            ),
            self._apply_to_discriminator(state, gradients[0], logits),
            self._record(logits),
        )

    def _update_discriminator(
        self, state: TrainState, inputs: Inputs
    ) -> tuple[NetworkState, NetworkState, Tensor]:
        """Update D alone; G is returned as it was, its statistics too."""
        photos, latents, draws = inputs
        pictures, _ = self._generate(state.generator, state.generator.weights, latents)

        def forward(weights: list[Tensor]) -> Any:
            logits = self._discriminator.compare(
                state.discriminator._replace(weights=weights),
                (photos, pictures, draws),
                state.step,
            )
            return (self._loss(logits),), logits

        gradients, logits = graph.gradients(forward, (state.discriminator.weights,))
        gradients = graph.mean_over_replicas(gradients)
        discriminator = self._apply_to_discriminator(state, gradients[0], logits)
        return state.generator, discriminator, self._record(logits)

    def _update_generator(
        self,
        generator: NetworkState,
        discriminator: NetworkState,
        inputs: Inputs,
        count: Tensor,
    ) -> NetworkState:
        """Update G alone, against D as it now is."""
        _, latents, draws = inputs

        def forward(weights: list[Tensor]) -> Any:
            pictures, statistics = self._generate(generator, weights, latents)
            fake = self._discriminator.logits(discriminator, pictures, draws)
            return (losses.generator_loss(fake),), statistics

        gradients, statistics = graph.gradients(forward, (generator.weights,))
        gradients = graph.mean_over_replicas(gradients)
        return apply_gradients(self._adam_g, generator, gradients[0], statistics, count)

    def _generate(
        self, generator: NetworkState, weights: list[Tensor], latents: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        pictures, statistics = self._generator.stateless_call(
            weights, generator.statistics, latents, training=True
        )
        return pictures, list(statistics)

    def _apply_to_discriminator(
        self, state: TrainState, gradients: Sequence[Tensor], logits: Logits
    ) -> NetworkState:
        return apply_gradients(
            self._adam_d,
            state.discriminator,
            gradients,
            logits.statistics,
            state.step,
        )

    def _entropies(self, logits: Logits) -> tuple[Tensor, Tensor]:
        return losses.discriminator_losses(
            logits.real, logits.fake, self._options.real_label
        )

    def _loss(self, logits: Logits) -> Tensor:
        return sum(self._entropies(logits)) + logits.penalty

    def _record(self, logits: Logits) -> Tensor:
        values = [
            *self._entropies(logits),
            losses.generator_loss(logits.fake),
            ops.mean(ops.sigmoid(logits.real)),
            ops.mean(ops.sigmoid(logits.fake)),
            logits.penalty,
        ]
        return graph.mean_over_replicas(ops.stack(values[: len(self.metrics)]))


def apply_gradients(
    rule: AdamRule,
    network: NetworkState,
    gradients: Sequence[Tensor],
    statistics: list[Tensor],
    count: Tensor,
    scale: Tensor = 1.0,
) -> NetworkState:
    """Move the weights of a network by one step of Adam.

    Args:
        rule: The update rule.
        network: State before the step.
        gradients: Of the network's loss, in the order of its weights.
        statistics: Those after the step.
        count: Steps taken before this one, a scalar.
        scale: Share of the learning rate that this step has, of a schedule.
    """
    updates = [
        rule.update(value, gradient, moments, count, scale)
        for value, gradient, moments in zip(
            network.weights, gradients, network.moments, strict=True
        )
    ]
    return NetworkState(
        weights=[value for value, _ in updates],
        statistics=statistics,
        moments=[moments for _, moments in updates],
    )
