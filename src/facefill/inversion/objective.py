"""Completion loss of latents and its gradient, in the graph.

For each photo on its own, with both networks in inference mode:

    L_i = contextual_i + lam * perceptual_i
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
from keras import ops
from numpy.typing import NDArray

from facefill.backend import devices, graph
from facefill.backend.batches import in_full_batches
from facefill.backend.types import Tensor
from facefill.inversion import losses
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import (
    Measurement,
    MeasurementBatch,
    compiled_by_kind,
    gather,
    kinds,
)
from facefill.models.dcgan import rebuild
from facefill.parameters import CompleteOptions

Weights = list[list[Tensor]]
"""Weights of networks, which the graph takes as arguments."""


class LatentLoss(Protocol):
    """Loss of latents of two parts, given measurements of as many faces.

    Attributes:
        latent_size: Length of a latent.
    """

    latent_size: int

    def weights(self) -> Weights:
        """Weights of the networks, the first argument of the graph functions."""

    def gather(self, measurements: Sequence[Measurement]) -> MeasurementBatch:
        """Measurements of one kind as a batch on the device."""

    def parts(
        self, weights: Weights, variables: Tensor, batch: MeasurementBatch
    ) -> Tensor:
        """Both parts of the loss, in the graph; (2, N) float32.

        Args:
            weights: Weights of the networks.
            variables: Variables of the latents, (N, latent_size).
            batch: Measurements of the N faces.
        """

    def total(self, parts: Tensor) -> Tensor:
        """Loss (N,) of parts (2, N)."""

    def differentiate(
        self, weights: Weights, variables: Tensor, batch: MeasurementBatch
    ) -> tuple[Tensor, Tensor]:
        """Gradient of each loss by its own variables, in the graph.

        Returns:
            The gradient, (N, latent_size), and the parts of the loss, (2, N).
        """

    def measure(
        self, variables: Any, measurements: Sequence[Measurement]
    ) -> NDArray[Any]:
        """Both parts of the loss of any number of variables, float32 (N, 2)."""


class Objective:
    """Contextual and perceptual loss of latents: what a search minimises."""

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        options: CompleteOptions,
        lam: float,
    ) -> None:
        """Copy the models in the precision of the search.

        Args:
            generator: G.
            discriminator: D.
            options: Options of the search.
            lam: Weight of the perceptual loss. With 0 a search does without D, and
                only ``measure`` runs it.
        """
        self._lam = lam
        self._options = options
        precision = devices.resolve_precision(options.precision, options.device)
        self._generator = rebuild(generator, precision)
        self._discriminator = rebuild(discriminator, precision)
        self.latent_size = int(generator.input_shape[1])
        self._compiled_parts = compiled_by_kind(self.parts, options.device)

    def weights(self) -> Weights:
        """Weights of G, then of D, trainable ones first."""
        return [*weights_of(self._generator), *weights_of(self._discriminator)]

    def gather(self, measurements: Sequence[Measurement]) -> MeasurementBatch:
        """Measurements of one kind as a batch on the device."""
        options = self._options
        batch = gather(measurements, options.contextual, options.window)
        on_device: MeasurementBatch = graph.to_device(batch)
        return on_device

    def total(self, parts: Tensor) -> Tensor:
        """L_i, (N,), of its parts (2, N)."""
        return parts[0] + self._lam * parts[1] if self._lam else parts[0]

    def parts(
        self, weights: Weights, variables: Tensor, batch: MeasurementBatch
    ) -> Tensor:
        """Contextual and perceptual loss, in the graph; (2, N) float32."""
        pictures = self._generate(weights, variables)
        logits, _ = self._discriminator.stateless_call(
            weights[2], weights[3], pictures, training=False
        )
        perceptual = losses.perceptual_loss(logits, self._options.prior)
        return ops.stack([batch.misfit(pictures), perceptual])

    def differentiate(
        self, weights: Weights, variables: Tensor, batch: MeasurementBatch
    ) -> tuple[Tensor, Tensor]:
        """Gradient of each L_i by its own variables, in the graph.

        Returns:
            The gradient, (N, latent_size), and the parts, (2, N), of which the
            perceptual loss is NaN where ``lam`` is 0.
        """
        parts = self.parts if self._lam else self._parts_without_discriminator

        def loss(variables: Tensor) -> tuple[Tensor, Tensor]:
            values = parts(weights, variables, batch)
            return self.total(values), values

        return gradient_of_each(loss, variables)

    def measure(
        self, variables: Any, measurements: Sequence[Measurement]
    ) -> NDArray[Any]:
        """Contextual and perceptual loss of any number of variables, (N, 2)."""
        return measure_in_batches(
            self, self._compiled_parts, variables, measurements, self._options
        )

    def _parts_without_discriminator(
        self, weights: Weights, variables: Tensor, batch: MeasurementBatch
    ) -> Tensor:
        contextual = batch.misfit(self._generate(weights, variables))
        return ops.stack([contextual, ops.full_like(contextual, float("nan"))])

    def _generate(self, weights: Weights, variables: Tensor) -> Tensor:
        latents = to_latents(variables, self._options.projection)
        pictures, _ = self._generator.stateless_call(
            weights[0], weights[1], latents, training=False
        )
        return pictures


def weights_of(network: keras.Model) -> Weights:
    """Trainable and other weights of a network, on the device."""
    return [
        [ops.convert_to_tensor(value) for value in values]
        for values in (network.trainable_variables, network.non_trainable_variables)
    ]


def gradient_of_each(
    loss: Callable[[Tensor], tuple[Tensor, Tensor]], variables: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradient of each of N losses by its own row of variables, in the graph.

    It is that of their sum, since no loss depends on another's row.

    Args:
        loss: Returns the losses, (N,), and their parts, (2, N), of variables.
        variables: (N, latent_size).

    Returns:
        The gradient, (N, latent_size), and the parts.
    """

    def forward(arguments: list[Tensor]) -> Any:
        values, parts = loss(arguments[0])
        return (ops.sum(values),), parts

    (gradients,), parts = graph.gradients(forward, ([variables],))
    return gradients[0], parts


def measure_in_batches(
    loss: LatentLoss,
    compiled_parts: Callable[..., Tensor],
    variables: Any,
    measurements: Sequence[Measurement],
    options: CompleteOptions,
) -> NDArray[Any]:
    """Parts of a loss of any number of variables, in full batches; (N, 2)."""
    weights = loss.weights()

    def measure(rows: Any, _: int) -> Tensor:
        batch = loss.gather([measurements[row] for row in rows])
        parts = compiled_parts(weights, ops.convert_to_tensor(variables[rows]), batch)
        return ops.transpose(parts)

    measured: NDArray[Any] = in_full_batches(
        measure, len(measurements), options.batch_size, kinds(measurements)
    )
    return measured
