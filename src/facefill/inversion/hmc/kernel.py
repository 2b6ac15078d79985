"""Hamiltonian Monte Carlo transitions with an adapted step size, in the graph.

Neal 2011 (arXiv 1206.1901) with the dual averaging of Hoffman and Gelman 2014 (arXiv
1111.4246, algorithm 5). Each chain has a mass matrix of its own, given as the factor C
of its inverse: u moves by C times a momentum that is N(0, I), which is the same as to
sample C^-1 u, whose posterior is nearly round, with unit masses.
"""

import math
from typing import Any, NamedTuple

from keras import ops

from facefill.backend.types import Tensor
from facefill.inversion.measurement import MeasurementBatch
from facefill.inversion.objective import LatentLoss, Weights

FIRST_STEP_SIZE = 0.1
"""Step size to begin with, in units of the posterior's standard deviation. It is near
the right one, since the scale is known; the adaptation is drawn to it."""

DIVERGENT = 1000.0
"""Error of the energy above which a transition is divergent (the limit of Stan)."""

# Hoffman and Gelman's constants of the dual averaging.
_SHRINKAGE = 0.05
_STABILITY = 10.0
_FORGETTING = 0.75


class ChainState(NamedTuple):
    """State of N chains; every leading axis is N.

    Attributes:
        position: u, (N, d).
        gradient: Gradient of the energy at u, (N, d).
        energy: U(u), (N,).
        log_step: Logarithm of the step size during adaptation, (N,).
        log_step_mean: Logarithm of the averaged step size, used after it, (N,).
        shortfall: Running mean of target acceptance minus acceptance, (N,).
    """

    position: Tensor
    gradient: Tensor
    energy: Tensor
    log_step: Tensor
    log_step_mean: Tensor
    shortfall: Tensor


class TransitionInputs(NamedTuple):
    """Inputs of several transitions; every leading axis is the transitions, T.

    Attributes:
        momenta: N(0, 1), (T, N, d).
        thresholds: Logarithms of uniform numbers, (T, N).
        jitters: Factors of the step size, (T, N).
        adapted: Number of the adaptation step, from 1 on in the warm-up, 0 after it,
            float32 (T,).
    """

    momenta: Tensor
    thresholds: Tensor
    jitters: Tensor
    adapted: Tensor


class Hamiltonian:
    """HMC kernel: transitions of chains whose invariant density is exp(-U)."""

    def __init__(self, energy: LatentLoss, leapfrogs: int, acceptance: float) -> None:
        """Take the constants.

        Args:
            energy: U.
            leapfrogs: Leapfrog steps of a transition.
            acceptance: Target of the mean acceptance probability.
        """
        self._energy = energy
        self._leapfrogs = leapfrogs
        self._acceptance = acceptance

    def begin(
        self, weights: Weights, position: Tensor, batch: MeasurementBatch
    ) -> ChainState:
        """State of chains at positions (N, d) before the first transition."""
        gradient, parts = self._energy.differentiate(weights, position, batch)
        energy = self._energy.total(parts)
        log_step = ops.full_like(energy, math.log(FIRST_STEP_SIZE))
        return ChainState(
            position, gradient, energy, log_step, log_step, ops.zeros_like(energy)
        )

    def transition(
        self,
        weights: Weights,
        state: ChainState,
        batch: MeasurementBatch,
        factors: Tensor,
        inputs: TransitionInputs,
    ) -> tuple[ChainState, Tensor]:
        """Propose a new position for each chain, and accept it or not.

        Args:
            weights: Weights of the energy's networks.
            state: State of N chains.
            batch: Measurements of the N faces.
            factors: C of each chain, (N, d, d).
            inputs: Slice of the inputs for this transition.

        Returns:
            The next state, and a record (N, d + 3): position, energy, acceptance
            probability, and whether the transition was divergent (1 or 0).
        """
        is_warm = inputs.adapted < 0.5
        log_step = ops.where(is_warm, state.log_step_mean, state.log_step)
        step = ops.exp(log_step) * inputs.jitters
        position, gradient, energy, momentum = self._flow(
            weights, state, batch, factors, (inputs.momenta, step)
        )
        error = energy + _kinetic(momentum) - state.energy - _kinetic(inputs.momenta)
        # NaN counts as infinity does.
        error = ops.where(ops.isfinite(error), error, 2.0 * DIVERGENT)
        probability = ops.exp(-ops.maximum(error, 0.0))
        is_accepted = inputs.thresholds < -error
        moved = ChainState(
            ops.where(is_accepted[:, None], position, state.position),
            ops.where(is_accepted[:, None], gradient, state.gradient),
            ops.where(is_accepted, energy, state.energy),
            *self._adapted(state, probability, inputs.adapted),
        )
        divergent = ops.cast(error > DIVERGENT, "float32")
        columns = [moved.energy, probability, divergent]
        record = ops.concatenate([moved.position, ops.stack(columns, axis=1)], axis=1)
        return moved, record

    def _flow(
        self,
        weights: Weights,
        state: ChainState,
        batch: MeasurementBatch,
        factors: Tensor,
        push: tuple[Tensor, Tensor],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Leapfrog integration; returns position, gradient, energy, momentum."""
        momentum, step = push
        step = step[:, None]

        def leapfrog(_: Any, moving: Any) -> Any:
            position, gradient, _, momentum = moving
            momentum = momentum - 0.5 * step * _pulled(factors, gradient)
            position = position + step * _pushed(factors, momentum)
            gradient, parts = self._energy.differentiate(weights, position, batch)
            momentum = momentum - 0.5 * step * _pulled(factors, gradient)
            return position, gradient, self._energy.total(parts), momentum

        begin = (state.position, state.gradient, state.energy, momentum)
        flown = ops.fori_loop(0, self._leapfrogs, leapfrog, begin)
        return flown[0], flown[1], flown[2], flown[3]

    def _adapted(
        self, state: ChainState, probability: Tensor, count: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Dual averaging of the step sizes, unless ``count`` is 0."""
        index = ops.maximum(count, 1.0)
        rate = 1.0 / (index + _STABILITY)
        shortfall = (1.0 - rate) * state.shortfall + rate * (
            self._acceptance - probability
        )
        pull = ops.sqrt(index) / _SHRINKAGE
        log_step = math.log(FIRST_STEP_SIZE) - pull * shortfall
        weight = ops.power(index, -_FORGETTING)
        mean = weight * log_step + (1.0 - weight) * state.log_step_mean
        new = (log_step, mean, shortfall)
        old = (state.log_step, state.log_step_mean, state.shortfall)
        is_adapting = count > 0.5
        kept = [
            ops.where(is_adapting, adapted, before)
            for adapted, before in zip(new, old, strict=True)
        ]
        return kept[0], kept[1], kept[2]


def _kinetic(momentum: Tensor) -> Tensor:
    return 0.5 * ops.sum(ops.square(momentum), axis=-1)


def _pushed(factors: Tensor, momentum: Tensor) -> Tensor:
    """C p of each chain."""
    return ops.sum(factors * momentum[:, None, :], axis=2)


def _pulled(factors: Tensor, gradient: Tensor) -> Tensor:
    """C' g of each chain."""
    return ops.sum(factors * gradient[:, :, None], axis=1)
