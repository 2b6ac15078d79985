"""Reference HMC: the update rule of bamos/dcgan-completion.tensorflow.

``complete.py --approach hmc``, with its formulas and signs: it moves a latent about
the lowest losses that it finds, and is no sampler of a posterior.

What it does that a sampler may not: a latent that leaves [-1, 1] is put back to the
border, which is neither reversible nor keeps the volume. What the reference does
besides and we do not: the energy there holds the perceptual loss of the whole batch, so
that photos decide about each other's proposals; its gradient is ours.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from facefill.backend.types import Tensor
from facefill.inversion.descent import SearchState, Slope
from facefill.inversion.hmc.chains import chain_rng
from facefill.inversion.hmc.summary import Diagnosis
from facefill.inversion.measurement import Measurement
from facefill.parameters import CompleteOptions


class ProposalInputs(NamedTuple):
    """Inputs of several proposals; every leading axis is the proposals.

    Attributes:
        momenta: N(0, 1), (T, N, d).
        thresholds: Logarithms of uniform numbers, (T, N).
        betas: Inverse temperatures, (T,).
    """

    momenta: Tensor
    thresholds: Tensor
    betas: Tensor


class ReferenceHmcRule:
    """Moves each search by a proposal that is accepted or not.

    With beta the inverse temperature, g the gradient of the loss L and p ~ N(0, I):

        repeat: p <- p - step beta g / 2
                z <- clip(z + step p)
                p <- p - step beta g / 2
        take z with probability min(1, exp(E_before - E_after)), E = beta L + |p|^2 / 2

    The state of the rule is the number of accepted proposals of each search, (N,).
    """

    def __init__(self, options: CompleteOptions, seed: int, latent_size: int) -> None:
        """Take the constants.

        Args:
            options: Options of the search.
            seed: Seed of the proposals.
            latent_size: Length of a latent.
        """
        self._rule = options.hmc.reference
        self._proposals = options.num_iterations
        self._seed = seed
        self._latent_size = latent_size

    def initial(self, variables: np.ndarray) -> tuple[Tensor, ...]:
        """No accepted proposal."""
        return (np.zeros(len(variables), np.float32),)

    def inputs(
        self, measurements: Sequence[Measurement], starts: Sequence[int], steps: range
    ) -> ProposalInputs:
        """Random numbers and temperatures of some proposals of every search."""
        size = self._latent_size
        numbers = np.empty((len(steps), len(measurements), size + 1), np.float32)
        searches = list(zip(measurements, starts, strict=True))
        for row, step in enumerate(steps):
            for column, (measurement, start) in enumerate(searches):
                rng = chain_rng(self._seed, measurement.key, start, step)
                numbers[row, column, :size] = rng.standard_normal(size)
                # From (0, 1], whose logarithm is finite.
                numbers[row, column, size] = 1.0 - rng.random()
        powers = np.arange(steps.start, steps.stop)
        betas = self._rule.beta * self._rule.anneal**powers
        return ProposalInputs(
            momenta=numbers[..., :size],
            thresholds=np.log(numbers[..., size]),
            betas=betas.astype(np.float32),
        )

    def move(
        self,
        state: SearchState,
        here: tuple[Tensor, Tensor],
        inputs: Any,
        slope: Slope,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Propose a new position for each search and accept it or not, in the graph."""
        step_size = self._rule.step_size
        push = 0.5 * step_size * inputs.betas

        def leapfrog(_: Tensor, moving: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            latents, momentum, gradient, _ = moving
            momentum = momentum - push * gradient
            latents = ops.clip(latents + step_size * momentum, -1.0, 1.0)
            gradient, loss = slope(latents)
            momentum = momentum - push * gradient
            return latents, momentum, gradient, loss

        gradient, loss = here
        begin = (state.variables, inputs.momenta, gradient, loss)
        latents, momentum, _, reached = ops.fori_loop(
            0, self._rule.leapfrogs, leapfrog, begin
        )
        gain = inputs.betas * (loss - reached) + 0.5 * (
            ops.sum(ops.square(inputs.momenta), axis=-1)
            - ops.sum(ops.square(momentum), axis=-1)
        )
        is_accepted = inputs.thresholds < gain
        variables = ops.where(is_accepted[:, None], latents, state.variables)
        return variables, (state.rule[0] + ops.cast(is_accepted, "float32"),)

    def diagnoses(self, state: SearchState) -> list[Diagnosis | None]:
        """Share of the proposals that each search accepted."""
        accepted = np.asarray(state.rule[0], np.float64)
        return [Diagnosis(float(rate)) for rate in accepted / self._proposals]
