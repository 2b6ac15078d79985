"""Gradient steps of a search: Adam or Nesterov momentum, a schedule, a projection."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from facefill.backend.optimizers import AdamRule, MomentumRule
from facefill.backend.types import Tensor
from facefill.inversion.descent import SearchState, Slope
from facefill.inversion.hmc.summary import Diagnosis
from facefill.inversion.latents import draw_redraws, project
from facefill.inversion.measurement import Measurement
from facefill.parameters import CompleteOptions


class GradientInputs(NamedTuple):
    """Inputs of several steps; every leading axis is the steps.

    Attributes:
        steps: Numbers of the steps, int32.
        scales: Factors of the learning rate, float32.
        redraws: Random numbers of stochastic clipping, (steps, N, latent_size).
    """

    steps: Tensor
    scales: Tensor
    redraws: Tensor


class GradientRule:
    """Moves each search by the gradient of its loss."""

    def __init__(self, options: CompleteOptions, seed: int, latent_size: int) -> None:
        """Choose the optimiser.

        Args:
            options: Options of the search.
            seed: Seed of stochastic clipping.
            latent_size: Length of a latent.
        """
        self._options = options
        self._seed = seed
        self._latent_size = latent_size
        self._optimizer = _optimizer(options)

    def initial(self, variables: np.ndarray) -> tuple[Tensor, ...]:
        """Moments before the first step."""
        return self._optimizer.initial(variables)

    def inputs(
        self, measurements: Sequence[Measurement], starts: Sequence[int], steps: range
    ) -> GradientInputs:
        """Schedule of the learning rate, and random numbers, of some steps."""
        numbers = np.arange(steps.start, steps.stop, dtype=np.int32)
        scales = np.ones(len(numbers), np.float32)
        if self._options.schedule == "cosine":
            done = numbers / self._options.num_iterations
            scales = (0.5 * (1.0 + np.cos(math.pi * done))).astype(np.float32)
        redraws = np.zeros((len(numbers), 1, 1), np.float32)
        if self._options.projection == "stochastic_clip":
            keys = [measurement.key for measurement in measurements]
            searches = list(zip(keys, starts, strict=True))
            redraws = draw_redraws(self._seed, searches, steps, self._latent_size)
        return GradientInputs(numbers, scales, redraws)

    def move(
        self,
        state: SearchState,
        here: tuple[Tensor, Tensor],
        inputs: Any,
        slope: Slope,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Take a step of the optimiser and project it, in the graph."""
        variables, moments = self._optimizer.update(
            state.variables, here[0], state.rule, inputs.steps, inputs.scales
        )
        return project(variables, inputs.redraws, self._options.projection), moments

    def diagnoses(self, state: SearchState) -> list[Diagnosis | None]:
        """None: a gradient step is never refused."""
        return [None] * len(state.best_loss)


def _optimizer(options: CompleteOptions) -> AdamRule | MomentumRule:
    if options.method == "momentum":
        return MomentumRule(options.learning_rate, options.momentum)
    return AdamRule(
        options.learning_rate, options.beta_1, options.beta_2, options.epsilon
    )
