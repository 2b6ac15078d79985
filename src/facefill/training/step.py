"""The rules by which a step updates the two networks."""

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
"""What a step records: the losses, and mean D(x) and D(G(z)) in [0, 1]."""


class GanStep:
    """Updates D once a step, and G as often as the options say."""

    def __init__(
        self, generator: keras.Model, judge: DiscriminatorPass, options: TrainOptions
    ) -> None:
        """Take the networks, whose state is passed to each call."""
        self._generator = generator
        self._judge = judge
        self._options = options
        rate, other = options.learning_rate, options.discriminator_learning_rate
        self._rule = AdamRule(rate, options.beta_1)
        self._rule_of_judge = AdamRule(rate if other is None else other, options.beta_1)

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
            pictures, statistics = self._paint(state.generator, weights_g, latents)
            verdicts = self._judge.compare(
                state.discriminator._replace(weights=weights_d),
                (photos, pictures, draws),
                state.step,
            )
            loss_g = losses.generator_loss(verdicts.fake)
            return (self._loss(verdicts), loss_g), (verdicts, statistics)

        found, (verdicts, statistics) = graph.gradients(
            forward, (state.discriminator.weights, state.generator.weights)
        )
        found = graph.mean_over_replicas(found)
        count = state.step * self._options.generator_updates
        return (
            _apply(self._rule, state.generator, found[1], statistics, count),
            self._apply_to_judge(state, found[0], verdicts),
            self._record(verdicts),
        )

    def _update_discriminator(
        self, state: TrainState, inputs: Inputs
    ) -> tuple[NetworkState, NetworkState, Tensor]:
        """Update D alone; G is returned as it was, its statistics too."""
        photos, latents, draws = inputs
        pictures, _ = self._paint(state.generator, state.generator.weights, latents)

        def forward(weights: list[Tensor]) -> Any:
            verdicts = self._judge.compare(
                state.discriminator._replace(weights=weights),
                (photos, pictures, draws),
                state.step,
            )
            return (self._loss(verdicts),), verdicts

        found, verdicts = graph.gradients(forward, (state.discriminator.weights,))
        found = graph.mean_over_replicas(found)
        discriminator = self._apply_to_judge(state, found[0], verdicts)
        return state.generator, discriminator, self._record(verdicts)

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
            pictures, statistics = self._paint(generator, weights, latents)
            logits = self._judge.judge(discriminator, pictures, draws)
            return (losses.generator_loss(logits),), statistics

        found, statistics = graph.gradients(forward, (generator.weights,))
        found = graph.mean_over_replicas(found)
        return _apply(self._rule, generator, found[0], statistics, count)

    def _paint(
        self, generator: NetworkState, weights: list[Tensor], latents: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        pictures, statistics = self._generator.stateless_call(
            weights, generator.statistics, latents, training=True
        )
        return pictures, list(statistics)

    def _apply_to_judge(
        self, state: TrainState, gradients: Sequence[Tensor], verdicts: Logits
    ) -> NetworkState:
        return _apply(
            self._rule_of_judge,
            state.discriminator,
            gradients,
            verdicts.statistics,
            state.step,
        )

    def _entropies(self, verdicts: Logits) -> tuple[Tensor, Tensor]:
        return losses.discriminator_losses(
            verdicts.real, verdicts.fake, self._options.real_label
        )

    def _loss(self, verdicts: Logits) -> Tensor:
        return sum(self._entropies(verdicts)) + verdicts.penalty

    def _record(self, verdicts: Logits) -> Tensor:
        values = [
            *self._entropies(verdicts),
            losses.generator_loss(verdicts.fake),
            ops.mean(ops.sigmoid(verdicts.real)),
            ops.mean(ops.sigmoid(verdicts.fake)),
            verdicts.penalty,
        ]
        return graph.mean_over_replicas(ops.stack(values[: len(self.metrics)]))


def _apply(
    rule: AdamRule,
    network: NetworkState,
    gradients: Sequence[Tensor],
    statistics: list[Tensor],
    count: Tensor,
) -> NetworkState:
    updates = [
        rule.update(value, gradient, moments, count)
        for value, gradient, moments in zip(
            network.weights, gradients, network.moments, strict=True
        )
    ]
    return NetworkState(
        weights=[value for value, _ in updates],
        statistics=statistics,
        moments=[moments for _, moments in updates],
    )
