"""The Hamiltonian Monte Carlo of bamos/dcgan-completion.tensorflow.

``complete.py --approach hmc``, with its formulas and signs: it moves a latent about
the lowest losses that it finds, and is no sampler of a posterior.

What it does that a sampler may not: a latent that leaves [-1, 1] is put back to the
border, which is neither reversible nor keeps the volume. What the reference does
besides and we do not: the energy there holds the perceptual loss of the whole batch, so
that photos decide about each other's proposals; its gradient is ours.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from keras import ops

from facefill.backend.types import Tensor
from facefill.inversion.descent import Descent, SearchState, Slope
from facefill.inversion.hmc import chains
from facefill.inversion.measurement import Measurement


class _Chance(NamedTuple):
    """Of several iterations; every leading axis is that many."""

    momenta: Tensor
    thresholds: Tensor
    betas: Tensor


class ReferenceHmc(Descent):
    """Moves searches by proposals, of which each is taken or not.

    With beta the inverse temperature, g the gradient of the loss L and p ~ N(0, I):

        repeat: p <- p - step beta g / 2
                z <- clip(z + step p)
                p <- p - step beta g / 2
        take z with probability min(1, exp(E_before - E_after)), E = beta L + |p|^2 / 2

    The moments of a search are the number of its proposals that were taken.
    """

    def acceptance(self, state: SearchState) -> np.ndarray:
        """Give the share of accepted proposals of each search."""
        return np.asarray(state.moments[0], np.float64) / self._options.iterations

    def _moments(self, variables: np.ndarray) -> tuple[Tensor, ...]:
        return (np.zeros(len(variables), np.float32),)

    def _inputs(
        self, targets: Sequence[Measurement], starts: Sequence[int], iterations: range
    ) -> _Chance:
        size = self._objective.latent_size
        numbers = np.empty((len(iterations), len(targets), size + 1), np.float32)
        for row, iteration in enumerate(iterations):
            for column, (target, start) in enumerate(zip(targets, starts, strict=True)):
                draw = chains.chain_generator(self._seed, target.key, start, iteration)
                numbers[row, column, :size] = draw.standard_normal(size)
                # From (0, 1], whose logarithm is finite.
                numbers[row, column, size] = 1.0 - draw.random()
        rule = self._options.hmc.reference
        powers = np.arange(iterations.start, iterations.stop)
        return _Chance(
            momenta=numbers[..., :size],
            thresholds=np.log(numbers[..., size]),
            betas=(rule.beta * rule.anneal**powers).astype(np.float32),
        )

    def _move(
        self,
        state: SearchState,
        here: tuple[Tensor, Tensor],
        now: _Chance,
        slope: Slope,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        rule = self._options.hmc.reference
        push = 0.5 * rule.step_size * now.betas

        def leapfrog(_: Tensor, moving: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            latents, momentum, gradient, _ = moving
            momentum = momentum - push * gradient
            latents = ops.clip(latents + rule.step_size * momentum, -1.0, 1.0)
            gradient, parts = slope(latents)
            momentum = momentum - push * gradient
            return latents, momentum, gradient, self._objective.total(parts)

        gradient, loss = here
        begin = (state.variables, now.momenta, gradient, loss)
        latents, momentum, _, reached = ops.fori_loop(
            0, rule.leapfrogs, leapfrog, begin
        )
        gain = now.betas * (loss - reached) + 0.5 * (
            ops.sum(ops.square(now.momenta), axis=-1)
            - ops.sum(ops.square(momentum), axis=-1)
        )
        is_taken = now.thresholds < gain
        variables = ops.where(is_taken[:, None], latents, state.variables)
        return variables, (state.moments[0] + ops.cast(is_taken, "float32"),)
