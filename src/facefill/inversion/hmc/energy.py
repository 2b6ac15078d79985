"""The posterior of a latent, given the known pixels of a face, as an energy.

The model: u ~ N(0, I), z = 2 Phi(u) - 1, and each known pixel of the face is that of
G(z) plus noise from a Laplace distribution of scale b. Then, up to a constant,

    -log p(u | known pixels) = U(u) = sum |G(z(u)) - y| / (b r) + |u|^2 / 2

with redundancy r = 1. Errors of a generator are alike at neighbouring pixels, so that
r of them tell as much as one; the likelihood to the power 1 / r allows for it. The
discriminator has no part in it.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from facefill.backend import graph
from facefill.backend.types import Tensor
from facefill.imaging.degradations import Decolorization
from facefill.imaging.masks import lowres_factor
from facefill.inversion import losses
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import Measurement, MeasurementBatch, gather
from facefill.inversion.objective import Objective, Weights
from facefill.parameters import CompleteOptions
from facefill.runtime.batching import full_batches

GREY_LEVELS = 127.5
"""Grey levels of a unit of the networks' range."""

# Of a central difference in u. Its error is of the order of the square, that of
# float32 pictures of 1e-7 over it.
_DIFFERENCE = 0.01


class Energy(Objective):
    """U of latents, in the place of the loss that a search minimises."""

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        options: CompleteOptions,
    ) -> None:
        """Copy the models; ``auto`` precision is float32 here.

        U is a sum over some ten thousand pixels that is exact to a hundredth of a
        unit in float32, and to several units in bfloat16, where proposals would be
        refused for the rounding.
        """
        self.options = _searching(options)
        super().__init__(generator, discriminator, self.options, lam=1.0)
        noise = options.hmc.noise / GREY_LEVELS
        self._scale = noise * options.hmc.redundancy
        # Of one number that is known, as precise as redundancy makes it.
        self._information = 1.0 / (noise * self._scale)
        self._factor = lowres_factor(self._size)
        self._batch_size = options.batch_size
        self._paint = graph.compiled(self._pictures, options.device)
        self._compiled_parts = graph.compiled(self.parts, options.device)

    def weights(self) -> Weights:
        """Give the weights of the generator."""
        return super().weights()[:2]

    def parts(
        self, weights: Weights, variables: Tensor, knowledge: MeasurementBatch
    ) -> Tensor:
        """Measure the misfit of known pixels and |u|^2 / 2; (2, N) float32.

        Args:
            weights: From ``weights``.
            variables: u, (N, latent_size).
            knowledge: Of the N faces, each known pixel counting once.
        """
        pictures = self._pictures(weights, variables)
        fine = losses.contextual_loss(pictures, knowledge.faces, knowledge.weights)
        coarse = losses.coarse_contextual_loss(pictures, knowledge.faces, self._factor)
        grey = losses.grey_contextual_loss(pictures, knowledge.faces)
        # The error of a sum of pixels is not that of one: of the mean of a block it is
        # smaller by the root of their number, which is the side of the block.
        misfit = fine + knowledge.coarse * self._factor * coarse
        misfit = misfit + knowledge.grey * grey / math.sqrt(
            Decolorization().share(self._size)
        )
        prior = 0.5 * ops.sum(ops.square(variables), axis=-1)
        return ops.stack([misfit, prior])

    def total(self, parts: Tensor) -> Tensor:
        """Give U, (N,)."""
        return parts[0] / self._scale + parts[1]

    def measure(
        self, variables: np.ndarray, targets: Sequence[Measurement]
    ) -> NDArray[np.float32]:
        """Give U at positions (N, latent_size) of as many faces, (N,)."""
        weights, found = self.weights(), []
        for rows, count in full_batches(len(variables), self._batch_size):
            known = gather([targets[row] for row in rows], "uniform", 3)
            parts = self._compiled_parts(
                weights,
                ops.convert_to_tensor(variables[rows]),
                graph.to_device(known),
            )
            found.append(np.asarray(ops.convert_to_numpy(self.total(parts)))[:count])
        return np.concatenate(found)

    def metric(self, variables: np.ndarray, target: Measurement) -> NDArray[np.float32]:
        """Approximate the posterior near a point by a normal distribution.

        The Fisher information of the Laplace noise and of the prior, J'J / (b^2 r) + I
        with J the slope of the known pixels (Girolami and Calderhead 2011, section 5):
        the covariance is its inverse.

        Args:
            variables: u, (latent_size,).
            target: What is known of the face.

        Returns:
            C with C C' the covariance of u, float32 (d, d).
        """
        size = len(variables)
        shifts = _DIFFERENCE * np.eye(size, dtype=np.float32)
        pictures = self.paint(np.concatenate([variables + shifts, variables - shifts]))
        slope = (pictures[:size] - pictures[size:]) / (2.0 * _DIFFERENCE)
        read = target.observation.read(slope, target.mask).astype(np.float64)
        known = read / math.sqrt(target.observation.share(self._size))
        information = self._information * known @ known.T + np.eye(size)
        lower = np.linalg.cholesky(information)
        factor = solve_triangular(lower, np.eye(size), lower=True, trans="T")
        return np.asarray(factor, np.float32)

    def paint(self, variables: np.ndarray) -> NDArray[np.float32]:
        """Draw G(z(u)) for any number of positions; float32 (N, S, S, 3)."""
        weights, drawn = self.weights(), []
        for rows, count in full_batches(len(variables), self._batch_size):
            pictures = self._paint(weights, ops.convert_to_tensor(variables[rows]))
            drawn.append(np.asarray(ops.convert_to_numpy(pictures))[:count])
        return np.concatenate(drawn)

    def _pictures(self, weights: Weights, variables: Tensor) -> Any:
        latents = to_latents(variables, "normal")
        pictures, _ = self._generator.stateless_call(
            weights[0], weights[1], latents, training=False
        )
        return pictures


def _searching(options: CompleteOptions) -> CompleteOptions:
    """Give the options of a search for the lowest U."""
    changes = {"projection": "normal", "contextual": "uniform"}
    if options.precision == "auto":
        changes["precision"] = "float32"
    return options.model_copy(update=changes)
