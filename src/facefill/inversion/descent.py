"""Many searches going down their losses by an update rule, in the graph.

The searches are taken a full batch at a time, so that each comes out the same alone
and among many.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
from keras import ops

from facefill.backend import graph
from facefill.backend.batches import in_full_batches
from facefill.backend.types import Tensor
from facefill.inversion.hmc.summary import Diagnosis
from facefill.inversion.latents import to_latents, to_variables
from facefill.inversion.measurement import (
    Measurement,
    MeasurementBatch,
    compiled_by_kind,
    kinds,
)
from facefill.inversion.objective import LatentLoss, Weights
from facefill.parameters import CompleteOptions

Slope = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Gradient, (N, d), and loss, (N,), of variables (N, d), in the graph."""


class SearchState(NamedTuple):
    """State of N searches; every leading axis is N.

    Attributes:
        variables: Variables of the latents, (N, d).
        rule: State of the update rule, such as Adam's moments.
        best: Variables of the lowest loss met, (N, d).
        best_loss: That loss, (N,).
    """

    variables: Tensor
    rule: tuple[Tensor, ...]
    best: Tensor
    best_loss: Tensor


class UpdateRule(Protocol):
    """One step of N searches, and what it needs."""

    def initial(self, variables: np.ndarray) -> tuple[Tensor, ...]:
        """State of the rule before the first step; leading axis N."""

    def inputs(
        self, measurements: Sequence[Measurement], starts: Sequence[int], steps: range
    ) -> Any:
        """Nested arrays for some steps, whose leading axis is the steps.

        Args:
            measurements: What each search is for.
            starts: Number of each search's start among those of its photo.
            steps: Numbers of the steps, from 0.
        """

    def move(
        self,
        state: SearchState,
        here: tuple[Tensor, Tensor],
        inputs: Any,
        slope: Slope,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Variables and state of the rule after one step, in the graph.

        Args:
            state: State of the searches.
            here: Gradient and loss of their variables.
            inputs: Slice of the inputs for this step.
            slope: Gradient and loss of other variables.
        """

    def diagnoses(self, state: SearchState) -> list[Diagnosis | None]:
        """Diagnosis of each search that has ended, if the rule has one."""


class Descent:
    """Runs searches for latents of low loss."""

    def __init__(
        self, loss: LatentLoss, rule: UpdateRule, options: CompleteOptions
    ) -> None:
        """Compile the steps.

        Args:
            loss: The loss to go down.
            rule: The step.
            options: Options of the search.
        """
        self.loss = loss
        self.rule = rule
        self._options = options
        self._advance = compiled_by_kind(self._advance_in_graph, options.device)

    def start(self, latents: np.ndarray) -> SearchState:
        """State of searches that begin at latents (N, latent_size)."""
        variables = to_variables(latents, self._options.projection)
        return SearchState(
            variables=variables,
            rule=graph.to_numpy(self.rule.initial(variables)),
            best=variables,
            best_loss=np.full(len(variables), np.inf, np.float32),
        )

    def advance(
        self,
        state: SearchState,
        measurements: Sequence[Measurement],
        starts: Sequence[int],
        steps: range,
    ) -> tuple[SearchState, np.ndarray]:
        """Take some steps of every search.

        Args:
            state: State of N searches, numpy arrays.
            measurements: What each search is for.
            starts: Number of each search's start among those of its photo.
            steps: Numbers of the steps, from 0.

        Returns:
            The state after them, and both parts of the loss before each, float32
            (N, 2, steps).
        """
        weights = self.loss.weights()

        def advance(rows: np.ndarray, _: int) -> tuple[SearchState, Tensor]:
            chosen = [measurements[row] for row in rows]
            after, record = self._advance(
                weights,
                graph.to_device(select(state, rows)),
                self.loss.gather(chosen),
                self.rule.inputs(chosen, [starts[row] for row in rows], steps),
            )
            parts = ops.reshape(record, (len(steps), 2, len(rows)))
            return after, ops.transpose(parts, (2, 1, 0))

        after, history = in_full_batches(
            advance, len(measurements), self._options.batch_size, kinds(measurements)
        )
        return after, history

    def settle(
        self, state: SearchState, measurements: Sequence[Measurement]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Results of searches that have ended.

        Returns:
            The latents that the options keep, float32 (N, latent_size), and both
            parts of the loss there, (N, 2).
        """
        variables = np.array(state.variables)
        parts = self.loss.measure(variables, measurements)
        if self._options.keep == "best":
            is_last = np.asarray(self.loss.total(parts.T) < state.best_loss)
            earlier = np.flatnonzero(~is_last).tolist()
            if earlier:
                chosen = [measurements[row] for row in earlier]
                variables[earlier] = state.best[earlier]
                parts[earlier] = self.loss.measure(variables[earlier], chosen)
        return self.latents(variables), parts

    def latents(self, variables: np.ndarray) -> np.ndarray:
        """Latents of variables, float32 (N, latent_size)."""
        latents = to_latents(variables, self._options.projection)
        return np.asarray(ops.convert_to_numpy(latents))

    def _advance_in_graph(
        self,
        weights: Weights,
        state: SearchState,
        batch: MeasurementBatch,
        inputs: Any,
    ) -> tuple[SearchState, Tensor]:
        def slope(variables: Tensor) -> tuple[Tensor, Tensor]:
            gradient, parts = self.loss.differentiate(weights, variables, batch)
            return gradient, self.loss.total(parts)

        def step(state: SearchState, now: Any) -> tuple[SearchState, Tensor]:
            gradient, parts = self.loss.differentiate(weights, state.variables, batch)
            loss = self.loss.total(parts)
            is_better = loss < state.best_loss
            variables, rule = self.rule.move(state, (gradient, loss), now, slope)
            after = SearchState(
                variables,
                rule,
                ops.where(is_better[:, None], state.variables, state.best),
                ops.where(is_better, loss, state.best_loss),
            )
            return after, ops.reshape(parts, (-1,))

        return graph.repeat(step, state, inputs, 2 * self._options.batch_size)


def select(state: SearchState, rows: Any) -> SearchState:
    """Rows of every array of a state."""
    taken = keras.tree.map_structure(lambda array: array[rows], state)
    return SearchState(*taken)
