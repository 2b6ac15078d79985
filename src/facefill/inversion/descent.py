"""Many searches going down their losses, a full batch at a time, in the graph.

A batch that is not full is filled up with its first search, because the arithmetic
of a convolution may round differently in a batch of another size, and a search must
come out the same alone and among many.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from facefill.backend import graph
from facefill.backend.optimizers import AdamRule, MomentumRule
from facefill.backend.types import Tensor
from facefill.inversion.latents import (
    draw_redraws,
    project,
    to_latents,
    to_variables,
)
from facefill.inversion.measurement import Measurement, gather
from facefill.inversion.objective import Objective, Weights
from facefill.parameters import CompleteOptions
from facefill.parameters.choices import Projection
from facefill.runtime.batching import full_batches

Slope = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Gives the gradient, (N, d), and the parts of the loss, (2, N), of variables."""


class SearchState(NamedTuple):
    """Of N searches; every leading axis is N.

    Attributes:
        variables: What is moved.
        moments: Of the rule that moves them.
        best: Variables of the lowest loss met.
        best_loss: That loss.
    """

    variables: Tensor
    moments: tuple[Tensor, ...]
    best: Tensor
    best_loss: Tensor


class _Inputs(NamedTuple):
    """Of several iterations; every leading axis is that many."""

    iterations: Tensor
    shares: Tensor
    redraws: Tensor


class Descent:
    """Moves searches by a rule of gradients."""

    def __init__(
        self, objective: Objective, options: CompleteOptions, seed: int
    ) -> None:
        """Compile the steps."""
        self._objective = objective
        self._options = options
        self._seed = seed
        self._rule = _rule(options)
        self._advance = graph.compiled(self._advance_in_graph, options.device)
        self._measure = graph.compiled(objective.parts, options.device)

    @property
    def projection(self) -> Projection:
        """How the variables are kept where latents can be."""
        return self._options.projection

    def start(self, latents: np.ndarray) -> SearchState:
        """Give the state of searches that begin at ``latents`` (N, latent_size)."""
        variables = to_variables(latents, self._options.projection)
        return SearchState(
            variables=variables,
            moments=graph.to_numpy(self._moments(variables)),
            best=variables,
            best_loss=np.full(len(variables), np.inf, np.float32),
        )

    def advance(
        self,
        state: SearchState,
        targets: Sequence[Measurement],
        starts: Sequence[int],
        iterations: range,
    ) -> tuple[SearchState, np.ndarray]:
        """Take some iterations of every search.

        Args:
            state: Numpy arrays.
            targets: What each search is for.
            starts: Which of its photo's starts each began at.
            iterations: Numbers of the iterations, from 0.

        Returns:
            The state after them, and contextual and perceptual loss before each,
            float32 (N, 2, iterations).
        """
        states, histories = [], []
        for rows, count in full_batches(len(targets), self._options.batch_size):
            chosen = [targets[row] for row in rows]
            after, record = self._advance(
                self._objective.weights(),
                graph.to_device(select(state, rows)),
                self._knowledge(chosen),
                self._inputs(chosen, [starts[row] for row in rows], iterations),
            )
            states.append(select(graph.to_numpy(after), slice(count)))
            record = np.asarray(ops.convert_to_numpy(record))
            losses = record.reshape(len(iterations), 2, -1)[..., :count]
            histories.append(losses.transpose(2, 1, 0))
        return _joined(states), np.concatenate(histories)

    def settle(
        self, state: SearchState, targets: Sequence[Measurement]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Say where every search has come out.

        Returns:
            The latents, float32 (N, latent_size), and contextual and perceptual
            loss there, (N, 2).
        """
        chosen = state.variables
        if self._options.keep == "best":
            loss = self._objective.total(self.measure(state.variables, targets).T)
            is_last = np.asarray(loss < state.best_loss)[:, None]
            chosen = np.where(is_last, state.variables, state.best)
        latents = to_latents(chosen, self._options.projection)
        parts = self.measure(chosen, targets)
        return np.asarray(ops.convert_to_numpy(latents)), parts

    def measure(
        self, variables: np.ndarray, targets: Sequence[Measurement]
    ) -> np.ndarray:
        """Give contextual and perceptual loss of variables, float32 (N, 2)."""
        parts = []
        for rows, count in full_batches(len(targets), self._options.batch_size):
            measured = self._measure(
                self._objective.weights(),
                ops.convert_to_tensor(variables[rows]),
                self._knowledge([targets[row] for row in rows]),
            )
            parts.append(np.asarray(ops.convert_to_numpy(measured)).T[:count])
        return np.concatenate(parts)

    def _knowledge(self, targets: Sequence[Measurement]) -> Any:
        known = gather(targets, self._options.contextual, self._options.window)
        return graph.to_device(known)

    def acceptance(self, state: SearchState) -> np.ndarray | None:
        """Give the share of accepted proposals of each search, if there were any."""
        return None

    def _moments(self, variables: np.ndarray) -> tuple[Tensor, ...]:
        return self._rule.initial(variables)

    def _inputs(
        self, targets: Sequence[Measurement], starts: Sequence[int], iterations: range
    ) -> Any:
        numbers = np.arange(iterations.start, iterations.stop, dtype=np.int32)
        shares = np.ones(len(numbers), np.float32)
        if self._options.schedule == "cosine":
            done = numbers / self._options.iterations
            shares = (0.5 * (1.0 + np.cos(math.pi * done))).astype(np.float32)
        redraws = np.zeros((len(numbers), 1, 1), np.float32)
        if self._options.projection == "stochastic_clip":
            slots = [
                (one.key, start) for one, start in zip(targets, starts, strict=True)
            ]
            redraws = draw_redraws(
                self._seed, slots, iterations, self._objective.latent_size
            )
        return _Inputs(numbers, shares, redraws)

    def _advance_in_graph(
        self, weights: Weights, state: SearchState, knowledge: Any, inputs: Any
    ) -> tuple[SearchState, Tensor]:
        def slope(variables: Tensor) -> tuple[Tensor, Tensor]:
            return self._objective.differentiate(weights, variables, knowledge)

        def step(state: SearchState, now: Any) -> tuple[SearchState, Tensor]:
            gradient, parts = slope(state.variables)
            loss = self._objective.total(parts)
            is_better = loss < state.best_loss
            variables, moments = self._move(state, (gradient, loss), now, slope)
            after = SearchState(
                variables,
                moments,
                ops.where(is_better[:, None], state.variables, state.best),
                ops.where(is_better, loss, state.best_loss),
            )
            return after, ops.reshape(parts, (-1,))

        num_records = 2 * self._options.batch_size
        return graph.repeat(step, state, inputs, num_records)

    def _move(
        self,
        state: SearchState,
        here: tuple[Tensor, Tensor],
        now: Any,
        slope: Slope,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Move the variables by their gradient.

        Args:
            state: Of N searches.
            here: The gradient of the loss and the loss where they are.
            now: One slice of the inputs.
            slope: Gives the gradient and the parts of the loss elsewhere.

        Returns:
            The variables and the moments after it.
        """
        variables, moments = self._rule.update(
            state.variables, here[0], state.moments, now.iterations, now.shares
        )
        return project(variables, now.redraws, self._options.projection), moments


def _rule(options: CompleteOptions) -> AdamRule | MomentumRule:
    if options.method == "momentum":
        return MomentumRule(options.learning_rate, options.momentum)
    return AdamRule(
        options.learning_rate, options.beta_1, options.beta_2, options.epsilon
    )


def select(state: SearchState, rows: Any) -> SearchState:
    """Take rows of every array of a state."""
    taken = keras.tree.map_structure(lambda array: array[rows], state)
    return SearchState(*taken)


def _joined(states: Sequence[SearchState]) -> SearchState:
    joined = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *states)
    return SearchState(*joined)
