"""Discriminator forward pass with spectral norm, DiffAugment and R1."""

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops

from facefill.backend import graph
from facefill.backend.types import Tensor
from facefill.parameters import TrainOptions
from facefill.training import augmentation, losses, spectral_norm
from facefill.training.state import NetworkState, initial_network_state


class Logits(NamedTuple):
    """Discriminator outputs for a batch of photos and one of generated pictures.

    Attributes:
        real: Logits of photos, (N, 1) float32.
        fake: Logits of generated pictures, (N, 1) float32.
        penalty: Weighted gradient penalty, a scalar; 0 where there is none.
        statistics: D's moving statistics after both.
    """

    real: Tensor
    fake: Tensor
    penalty: Tensor
    statistics: list[Tensor]


class DiscriminatorPass:
    """D with its norm, its augmentation and its penalty.

    D's statistics are the moving ones of its batch norms, or under spectral norm
    the vectors of the power iteration.
    """

    def __init__(self, network: keras.Model, options: TrainOptions, seed: int) -> None:
        """Take the network; its weights are passed to each call."""
        self._network = network
        self._options = options
        self._seed = seed

    def initial_state(self) -> NetworkState:
        """Read the network's weights and begin its statistics."""
        state = initial_network_state(self._network)
        if self._options.discriminator_norm == "spectral":
            vectors = spectral_norm.initial_vectors(state.weights, self._seed)
            return state._replace(statistics=vectors)
        return state

    def effective(self, state: NetworkState) -> tuple[list[Tensor], list[Tensor]]:
        """Compute weights and statistics for a plain copy of the network.

        The division by spectral norms is done in them.
        """
        weights, _ = self._normalized(state.weights, state.statistics)
        spectral_norm = self._options.discriminator_norm == "spectral"
        return weights, [] if spectral_norm else state.statistics

    def compare(
        self, state: NetworkState, batch: tuple[Tensor, Tensor, Tensor], step: Tensor
    ) -> Logits:
        """Run D on photos, then on pictures, each with its own batch norm.

        Args:
            state: Of D; its moments are not read.
            batch: Photos and pictures, (N, S, S, 3) in [-1, 1], and the draws of the
                augmentation, one row for each of the two.
            step: Steps done before, which the interval of the penalty counts.
        """
        photos, pictures, draws = batch
        weights, statistics = self._normalized(state.weights, state.statistics)
        if self._options.augment:
            photos = augmentation.vary(photos, draws[0], self._options.augment)
            pictures = augmentation.vary(pictures, draws[1], self._options.augment)
        real, after = self._call(weights, statistics, photos)
        fake, after = self._call(weights, after, pictures)
        penalty = self._penalty(weights, statistics, photos, step)
        return Logits(real, fake, penalty, after)

    def logits(self, state: NetworkState, pictures: Tensor, draws: Tensor) -> Tensor:
        """Run D on generated pictures alone; logits (N, 1)."""
        weights, statistics = self._normalized(state.weights, state.statistics)
        if self._options.augment:
            pictures = augmentation.vary(pictures, draws[1], self._options.augment)
        logits, _ = self._call(weights, statistics, pictures)
        return logits

    def _normalized(
        self, weights: list[Tensor], statistics: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        if self._options.discriminator_norm == "spectral":
            return spectral_norm.normalized(weights, statistics)
        return weights, statistics

    def _call(
        self, weights: list[Tensor], statistics: list[Tensor], pictures: Tensor
    ) -> tuple[Tensor, list[Tensor]]:
        if self._options.discriminator_norm == "spectral":
            logits, _ = self._network.stateless_call(
                weights, [], pictures, training=True
            )
            return logits, statistics
        logits, statistics = self._network.stateless_call(
            weights, statistics, pictures, training=True
        )
        return logits, list(statistics)

    def _penalty(
        self,
        weights: list[Tensor],
        statistics: list[Tensor],
        photos: Tensor,
        step: Tensor,
    ) -> Tensor:
        """Weigh the penalty on D's slope at photos (R1), once in an interval.

        Between, it is 0; when it comes, it counts as often as the interval is long
        (Karras et al. 2020, arXiv 1912.04958, "lazy regularization").
        """
        interval, weight = self._options.r1_interval, self._options.r1_weight
        if weight == 0.0:
            return ops.zeros(())

        def penalty() -> Tensor:
            slope = graph.input_gradient(
                lambda shown: ops.sum(self._call(weights, statistics, shown)[0]), photos
            )
            return weight * interval * losses.slope_penalty(slope)

        if self._options.discriminator_norm == "batch" and graph.num_replicas() > 1:
            # Batch norms combine what the devices have, which no branch can do.
            return ops.where(_is_due(interval, step), penalty(), 0.0)
        return _every(interval, step, penalty)


def _is_due(interval: int, step: Tensor) -> Tensor:
    return ops.equal(ops.mod(step, interval), 0)


def _every(interval: int, step: Tensor, compute: Callable[[], Tensor]) -> Tensor:
    if interval == 1:
        return compute()
    return ops.cond(_is_due(interval, step), compute, lambda: ops.zeros(()))
