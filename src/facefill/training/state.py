"""Training state and batch as nested arrays (named tuples)."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
from keras import ops

from facefill.backend.optimizers import Moments
from facefill.backend.types import Tensor


class NetworkState(NamedTuple):
    """Weights, statistics and Adam moments of one network.

    Attributes:
        weights: Trainable values.
        statistics: Moving means and variances of the batch norms, or the vectors
            of spectral norm.
        moments: Adam's, for each weight.
    """

    weights: list[Tensor]
    statistics: list[Tensor]
    moments: list[Moments]


class TrainState(NamedTuple):
    """Everything that a step changes.

    Attributes:
        step: Steps done, int32 scalar.
        generator: G.
        discriminator: D.
        average: Moving average of G's weights and statistics, in this order.
    """

    step: Tensor
    generator: NetworkState
    discriminator: NetworkState
    average: list[Tensor]


class Batch(NamedTuple):
    """Batch of one step.

    Attributes:
        images: Photos, (N, S, S, 3) uint8.
        latents: (N, latent_size) float32.
        flips: Photos to mirror, (N,) bool.
        draws: Of the augmentation, for photos and for pictures, (2, N,
            augmentation.NUM_DRAWS) float32 in [0, 1); empty without it.
    """

    images: Tensor
    latents: Tensor
    flips: Tensor
    draws: Tensor = ()

    def part(self, index: int, count: int) -> "Batch":
        """Cut one of several equal parts out of each batch of a stack."""
        size = self.flips.shape[1] // count
        rows = slice(index * size, (index + 1) * size)
        return Batch(
            images=self.images[:, rows],
            latents=self.latents[:, rows],
            flips=self.flips[:, rows],
            draws=() if isinstance(self.draws, tuple) else self.draws[:, :, rows],
        )


def initial_network_state(network: keras.Model) -> NetworkState:
    """Read a network's weights and statistics; Adam's moments are zero."""
    weights = [ops.convert_to_tensor(value) for value in network.trainable_variables]
    zeros = [ops.zeros_like(value) for value in weights]
    return NetworkState(
        weights=weights,
        statistics=[
            ops.convert_to_tensor(value) for value in network.non_trainable_variables
        ],
        moments=list(zip(zeros, zeros, strict=True)),
    )


def assign(
    network: keras.Model, weights: Sequence[Tensor], statistics: Sequence[Tensor]
) -> None:
    """Put weights and statistics into a network."""
    for variable, value in zip(network.trainable_variables, weights, strict=True):
        variable.assign(value)
    pairs = zip(network.non_trainable_variables, statistics, strict=True)
    for variable, value in pairs:
        variable.assign(value)
