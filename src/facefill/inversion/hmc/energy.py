"""Energy (negative log posterior) of a latent, given the known pixels of a face.

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
from facefill.backend.batches import in_full_batches
from facefill.backend.types import Tensor
from facefill.inversion.latents import to_latents
from facefill.inversion.measurement import (
    Measurement,
    MeasurementBatch,
    compiled_by_kind,
    gather,
)
from facefill.inversion.objective import (
    Weights,
    gradient_of_each,
    measure_in_batches,
    weights_of,
)
from facefill.models.dcgan import rebuild
from facefill.parameters import CompleteOptions

GREY_LEVELS = 127.5
"""Grey levels of a unit of the networks' range."""

# Of a central difference in u. Its error is of the order of the square, that of
# float32 pictures of 1e-7 over it.
_DIFFERENCE = 0.01


class Energy:
    """U of latents, in two parts: misfit of known pixels and |u|^2 / 2."""

    def __init__(self, generator: keras.Model, options: CompleteOptions) -> None:
        """Copy the generator; ``auto`` precision is float32 here.

        U is a sum over some ten thousand pixels that is exact to a hundredth of a
        unit in float32, and to several units in bfloat16, where proposals would be
        refused for the rounding.

        Args:
            generator: G.
            options: Options of the search.
        """
        precision = options.precision
        self._generator = rebuild(
            generator, "float32" if precision == "auto" else precision
        )
        self.latent_size = int(generator.input_shape[1])
        self._size = int(generator.output_shape[1])
        self._options = options
        noise = options.hmc.noise / GREY_LEVELS
        self._scale = noise * options.hmc.redundancy
        # Of one number that is known, as precise as redundancy makes it.
        self._information = 1.0 / (noise * self._scale)
        self._compiled_generate = graph.compiled(self._generate, options.device)
        self._compiled_parts = compiled_by_kind(self.parts, options.device)

    def weights(self) -> Weights:
        """Weights of the generator, trainable ones first."""
        return weights_of(self._generator)

    def gather(self, measurements: Sequence[Measurement]) -> MeasurementBatch:
        """Measurements of one kind as a batch on the device, all pixels alike."""
        batch: MeasurementBatch = graph.to_device(gather(measurements, "uniform", 3))
        return batch

    def parts(
        self, weights: Weights, variables: Tensor, batch: MeasurementBatch
    ) -> Tensor:
        """Misfit of known pixels and |u|^2 / 2, in the graph; (2, N) float32.

        Args:
            weights: Weights of the generator.
            variables: u, (N, latent_size).
            batch: Measurements of the N faces.
        """
        # The error of a weighted sum of pixels, such as a mean, is smaller than that
        # of one.
        misfit = batch.misfit(self._generate(weights, variables)) / batch.spread
        # It is not negative. This keeps TensorFlow from merging the division with that
        # by the scale, which would round otherwise.
        misfit = ops.maximum(misfit, 0.0)
        prior = 0.5 * ops.sum(ops.square(variables), axis=-1)
        return ops.stack([misfit, prior])

    def total(self, parts: Tensor) -> Tensor:
        """U, (N,), of its parts (2, N)."""
        return parts[0] / self._scale + parts[1]

    def differentiate(
        self, weights: Weights, variables: Tensor, batch: MeasurementBatch
    ) -> tuple[Tensor, Tensor]:
        """Gradient of each U by its own u, in the graph.

        Returns:
            The gradient, (N, latent_size), and the parts, (2, N).
        """

        def loss(variables: Tensor) -> tuple[Tensor, Tensor]:
            parts = self.parts(weights, variables, batch)
            return self.total(parts), parts

        return gradient_of_each(loss, variables)

    def measure(
        self, variables: Any, measurements: Sequence[Measurement]
    ) -> NDArray[Any]:
        """Both parts of U at any number of positions u, float32 (N, 2)."""
        return measure_in_batches(
            self, self._compiled_parts, variables, measurements, self._options
        )

    def metric(
        self, variables: np.ndarray, measurement: Measurement
    ) -> NDArray[np.float32]:
        """Normal approximation of the posterior near a point.

        The Fisher information of the Laplace noise and of the prior, J'J / (b^2 r) + I
        with J the slope of the known pixels (Girolami and Calderhead 2011, section 5):
        the covariance is its inverse.

        Args:
            variables: u, (latent_size,).
            measurement: What is known of the face.

        Returns:
            C with C C' the covariance of u, float32 (d, d).
        """
        size = len(variables)
        shifts = _DIFFERENCE * np.eye(size, dtype=np.float32)
        around = np.concatenate([variables + shifts, variables - shifts])
        pictures = self.generate(around)
        slope = (pictures[:size] - pictures[size:]) / (2.0 * _DIFFERENCE)
        measured = measurement.measure(slope).astype(np.float64)
        known = measured / math.sqrt(measurement.degradation.noise_gain(self._size))
        information = self._information * known @ known.T + np.eye(size)
        lower = np.linalg.cholesky(information)
        factor = solve_triangular(lower, np.eye(size), lower=True, trans="T")
        return np.asarray(factor, np.float32)

    def generate(self, variables: np.ndarray) -> NDArray[np.float32]:
        """G(z(u)) of any number of positions, float32 (N, S, S, 3) in [-1, 1]."""
        weights = self.weights()

        def run(rows: np.ndarray, _: int) -> Tensor:
            return self._compiled_generate(
                weights, ops.convert_to_tensor(variables[rows])
            )

        pictures: NDArray[np.float32] = in_full_batches(
            run, len(variables), self._options.batch_size
        )
        return pictures

    def _generate(self, weights: Weights, variables: Tensor) -> Tensor:
        latents = to_latents(variables, "normal")
        pictures, _ = self._generator.stateless_call(
            weights[0], weights[1], latents, training=False
        )
        return pictures
