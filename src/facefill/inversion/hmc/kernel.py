"""Hamiltonian Monte Carlo with an adapted step size, in the graph.

Neal 2011 (arXiv 1206.1901) with the dual averaging of Hoffman and Gelman 2014 (arXiv
1111.4246, algorithm 5). Each chain has a mass matrix of its own, given as the factor C
of its inverse: u moves by C times a momentum that is N(0, I), which is the same as to
sample C^-1 u, whose posterior is nearly round, with unit masses.
"""

import math
from typing import Any, NamedTuple

from keras import ops

from facefill.backend.types import Tensor
from facefill.inversion.objective import Objective, Weights

FIRST_STEP_SIZE = 0.1
"""In units of the posterior's standard deviation. Near it, for the scale is known, so
that the adaptation is drawn to it and not to ten times as much."""

DIVERGENT = 1000.0
"""An error of the energy that no right step makes (the limit of Stan)."""

# Hoffman and Gelman's constants of the dual averaging.
_SHRINKAGE = 0.05
_STABILITY = 10.0
_FORGETTING = 0.75


class ChainState(NamedTuple):
    """Of N chains; every leading axis is N.

    Attributes:
        position: u, (N, d).
        gradient: Of the energy at u, (N, d).
        energy: U(u), (N,).
        log_step: Logarithm of the step size while it is adapted.
        log_step_mean: Of the one to keep.
        shortfall: Running mean of wanted less found acceptance.
    """

    position: Tensor
    gradient: Tensor
    energy: Tensor
    log_step: Tensor
    log_step_mean: Tensor
    shortfall: Tensor


class TransitionInputs(NamedTuple):
    """Random numbers and the place of each transition; leading axis transitions.

    Attributes:
        momenta: N(0, 1), (T, N, d).
        thresholds: Logarithms of uniform numbers, (T, N).
        jitters: What the step size is multiplied by, (T, N).
        adapted: From 1 on in the warm-up, 0 after it, float32 (T,).
    """

    momenta: Tensor
    thresholds: Tensor
    jitters: Tensor
    adapted: Tensor


class Hamiltonian:
    """Transitions of chains that leave exp(-U) as it is."""

    def __init__(self, energy: Objective, leapfrogs: int, acceptance: float) -> None:
        """Take U, the leapfrogs of a transition and the acceptance to adapt to."""
        self._energy = energy
        self._leapfrogs = leapfrogs
        self._acceptance = acceptance

    def begin(self, weights: Weights, position: Tensor, knowledge: Any) -> ChainState:
        """Give the state of chains at positions (N, d)."""
        gradient, parts = self._energy.differentiate(weights, position, knowledge)
        energy = self._energy.total(parts)
        log_step = ops.full_like(energy, math.log(FIRST_STEP_SIZE))
        return ChainState(
            position, gradient, energy, log_step, log_step, ops.zeros_like(energy)
        )

    def transition(
        self,
        weights: Weights,
        state: ChainState,
        knowledge: Any,
        factors: Tensor,
        chance: TransitionInputs,
    ) -> tuple[ChainState, Tensor]:
        """Propose a new position for each chain, and take it or not.

        Args:
            weights: Of the energy.
            state: Of N chains.
            knowledge: Of the N faces.
            factors: C of each chain, (N, d, d).
            chance: One slice.

        Returns:
            The next state, and (N, d + 3) to record: position, energy, probability
            of acceptance, and whether the energy went astray (1 or 0).
        """
        is_warm = chance.adapted < 0.5
        log_step = ops.where(is_warm, state.log_step_mean, state.log_step)
        step = ops.exp(log_step) * chance.jitters
        position, gradient, energy, momentum = self._flow(
            weights, state, knowledge, factors, (chance.momenta, step)
        )
        error = energy + _kinetic(momentum) - state.energy - _kinetic(chance.momenta)
        # What is no number is as far astray as infinity.
        error = ops.where(ops.isfinite(error), error, 2.0 * DIVERGENT)
        probability = ops.exp(-ops.maximum(error, 0.0))
        is_taken = chance.thresholds < -error
        moved = ChainState(
            ops.where(is_taken[:, None], position, state.position),
            ops.where(is_taken[:, None], gradient, state.gradient),
            ops.where(is_taken, energy, state.energy),
            *self._adapted(state, probability, chance.adapted),
        )
        astray = ops.cast(error > DIVERGENT, "float32")
        columns = [moved.energy, probability, astray]
        record = ops.concatenate([moved.position, ops.stack(columns, axis=1)], axis=1)
        return moved, record

    def _flow(
        self,
        weights: Weights,
        state: ChainState,
        knowledge: Any,
        factors: Tensor,
        push: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Follow the flow of the energy for ``leapfrogs`` steps."""
        momentum, step = push
        step = step[:, None]

        def leapfrog(_: Any, moving: Any) -> Any:
            position, gradient, _, momentum = moving
            momentum = momentum - 0.5 * step * _pulled(factors, gradient)
            position = position + step * _pushed(factors, momentum)
            gradient, parts = self._energy.differentiate(weights, position, knowledge)
            momentum = momentum - 0.5 * step * _pulled(factors, gradient)
            return position, gradient, self._energy.total(parts), momentum

        begin = (state.position, state.gradient, state.energy, momentum)
        flown = ops.fori_loop(0, self._leapfrogs, leapfrog, begin)
        return flown[0], flown[1], flown[2], flown[3]

    def _adapted(
        self, state: ChainState, probability: Tensor, count: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Adapt the step sizes, unless ``count`` is 0."""
        place = ops.maximum(count, 1.0)
        share = 1.0 / (place + _STABILITY)
        shortfall = (1.0 - share) * state.shortfall + share * (
            self._acceptance - probability
        )
        pull = ops.sqrt(place) / _SHRINKAGE
        log_step = math.log(FIRST_STEP_SIZE) - pull * shortfall
        weight = ops.power(place, -_FORGETTING)
        mean = weight * log_step + (1.0 - weight) * state.log_step_mean
        new = (log_step, mean, shortfall)
        old = (state.log_step, state.log_step_mean, state.shortfall)
        is_adapting = count > 0.5
        kept = [
            ops.where(is_adapting, one, other)
            for one, other in zip(new, old, strict=True)
        ]
        return kept[0], kept[1], kept[2]


def _kinetic(momentum: Tensor) -> Tensor:
    return 0.5 * ops.sum(ops.square(momentum), axis=-1)


def _pushed(factors: Tensor, momentum: Tensor) -> Tensor:
    """Give C p."""
    return ops.sum(factors * momentum[:, None, :], axis=2)


def _pulled(factors: Tensor, gradient: Tensor) -> Tensor:
    """Give C' g."""
    return ops.sum(factors * gradient[:, :, None], axis=1)
