"""What a search minimises, and its gradient, in the graph.

For each photo on its own, with both networks in inference mode:

    L_i = contextual_i + lam * perceptual_i
"""

import hashlib
from typing import Any

import keras
import numpy as np
from keras import ops

from facefill.backend import devices, graph
from facefill.backend.types import Tensor
from facefill.imaging.masks import lowres_factor
from facefill.inversion import losses
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import MeasurementBatch
from facefill.models.dcgan import rebuild
from facefill.parameters import CompleteOptions

Weights = list[list[Tensor]]


class Objective:
    """The loss of latents, given what is known of the faces."""

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        options: CompleteOptions,
        lam: float,
    ) -> None:
        """Copy the models in the precision of the search."""
        self.lam = lam
        self._options = options
        precision = devices.resolve_precision(options.precision, options.device)
        self._generator = rebuild(generator, precision)
        self._discriminator = rebuild(discriminator, precision)
        self.latent_size = int(generator.input_shape[1])
        self._size = int(generator.output_shape[1])

    def weights(self) -> Weights:
        """Give the weights of both networks, which the graph takes as arguments."""
        return [
            [ops.convert_to_tensor(value) for value in values]
            for network in (self._generator, self._discriminator)
            for values in (network.trainable_variables, network.non_trainable_variables)
        ]

    def fingerprint(self) -> str:
        """Hash all that the loss depends on beside the options."""
        digest = hashlib.sha256(repr(self.lam).encode())
        for network in (self._generator, self._discriminator):
            for array in network.get_weights():
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def total(self, parts: Tensor) -> Tensor:
        """Sum the parts of the loss, (2, N), to L_i, (N,)."""
        return parts[0] + self.lam * parts[1]

    def parts(
        self, weights: Weights, variables: Tensor, knowledge: MeasurementBatch
    ) -> Tensor:
        """Measure contextual and perceptual loss; (2, N) float32.

        Args:
            weights: From ``weights``.
            variables: What the search moves, (N, latent_size).
            knowledge: Of the N faces.
        """
        latents = to_latents(variables, self._options.projection)
        pictures, _ = self._generator.stateless_call(
            weights[0], weights[1], latents, training=False
        )
        logits, _ = self._discriminator.stateless_call(
            weights[2], weights[3], pictures, training=False
        )
        faces = knowledge.faces
        contextual = losses.contextual_loss(pictures, faces, knowledge.weights)
        coarse = losses.coarse_contextual_loss(
            pictures, faces, lowres_factor(self._size)
        )
        contextual = contextual + knowledge.coarse * coarse
        grey = losses.grey_contextual_loss(pictures, faces)
        contextual = contextual + knowledge.grey * grey
        perceptual = losses.perceptual_loss(logits, self._options.prior)
        return ops.stack([contextual, perceptual])

    def differentiate(
        self, weights: Weights, variables: Tensor, knowledge: MeasurementBatch
    ) -> tuple[Tensor, Tensor]:
        """Differentiate the sum of all L_i, which is each L_i by its own variables.

        Returns:
            The gradient, (N, latent_size), and the parts, (2, N).
        """

        def forward(arguments: list[Tensor]) -> Any:
            parts = self.parts(weights, arguments[0], knowledge)
            return (ops.sum(self.total(parts)),), parts

        (gradients,), parts = graph.gradients(forward, ([variables],))
        return gradients[0], parts
