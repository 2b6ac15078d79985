"""Chains that sample the posterior of the latents of many faces, in the graph.

As in a search, a batch is always full and every random number is a function of the
seed, the photo's id and the chain, so that no photo sees another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.backend import graph
from facefill.backend.batches import in_full_batches
from facefill.inversion.hmc.energy import Energy
from facefill.inversion.hmc.kernel import ChainState, Hamiltonian, TransitionInputs
from facefill.inversion.measurement import (
    Measurement,
    MeasurementBatch,
    compiled_by_kind,
    kinds,
)
from facefill.inversion.objective import Weights
from facefill.parameters import CompleteOptions
from facefill.runtime.progress import Advance
from facefill.runtime.rng import Purpose, keyed_rng, photo_key

# A step size that fits the length of no orbit: Neal 2011, section 3.2.
_JITTER = 0.2


@dataclass(frozen=True)
class Draws:
    """Posterior samples of one photo; leading axes (chains, draws).

    Attributes:
        variables: u, float32 (chains, draws, d).
        energies: U(u), float32 (chains, draws).
        acceptance: Mean acceptance probability of each chain, float64 (chains,).
        step_sizes: In units of the posterior's standard deviation, float64 (chains,).
        divergences: Number of divergent transitions after the warm-up.
    """

    variables: NDArray[np.float32]
    energies: NDArray[np.float32]
    acceptance: NDArray[np.float64]
    step_sizes: NDArray[np.float64]
    divergences: int


class Chains:
    """Runs chains by Hamiltonian Monte Carlo."""

    def __init__(self, energy: Energy, options: CompleteOptions, seed: int) -> None:
        """Compile the transitions.

        Args:
            energy: Energy of the posterior.
            options: Options of the search.
            seed: Seed of the chains.
        """
        self._energy = energy
        self._options = options
        self._seed = seed
        hmc = options.hmc
        self._kernel = Hamiltonian(energy, hmc.leapfrogs, hmc.acceptance)
        self._begin = compiled_by_kind(self._kernel.begin, options.device)
        self._advance = compiled_by_kind(self._advance_in_graph, options.device)

    def run(
        self,
        ends: NDArray[np.float32],
        measurements: Sequence[Measurement],
        advance: Advance | None = None,
    ) -> list[Draws]:
        """Sample the posterior of each face.

        Args:
            ends: u where searches have ended, (photos, searches, d).
            measurements: The faces.
            advance: Told the leapfrogs of all chains done since the last call.
        """
        count = self._options.hmc.chains
        starts, factors = [], []
        for measurement, of_photo in zip(measurements, ends, strict=True):
            start, factor = self._starts(of_photo, measurement)
            starts.append(start)
            factors.append(factor)
        slots = [(item, chain) for item in measurements for chain in range(count)]
        records, steps = self._run(
            np.concatenate(starts), np.concatenate(factors), slots, advance
        )
        return [
            self._draws(records[begin : begin + count], steps[begin : begin + count])
            for begin in range(0, len(slots), count)
        ]

    def _starts(
        self, ends: NDArray[np.float32], measurement: Measurement
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Starts of the chains of a photo, (chains, d), and metrics, (chains, d, d)."""
        parts = self._energy.measure(ends, [measurement] * len(ends))
        energies = np.asarray(self._energy.total(parts.T))
        chosen = chosen_starts(energies, ends.shape[1], self._options.hmc.chains)
        factors = {row: self._energy.metric(ends[row], measurement) for row in chosen}
        return ends[chosen], np.stack([factors[row] for row in chosen])

    def _run(
        self,
        starts: NDArray[np.float32],
        factors: NDArray[np.float32],
        slots: Sequence[tuple[Measurement, int]],
        advance: Advance | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Records (N, T, d + 3) and step sizes (N,) of N chains."""
        hmc, size = self._options.hmc, self._options.batch_size
        total, piece = hmc.warm_up + hmc.draws, self._options.iterations_per_call
        weights = self._energy.weights()

        def run(rows: NDArray[np.int64], count: int) -> tuple[Any, Any]:
            chosen = [slots[row] for row in rows]
            batch = self._energy.gather([measurement for measurement, _ in chosen])
            matrices = ops.convert_to_tensor(factors[rows])
            state = self._begin(weights, ops.convert_to_tensor(starts[rows]), batch)
            pieces = []
            for begin in range(0, total, piece):
                transitions = range(begin, min(begin + piece, total))
                inputs = self._inputs(chosen, transitions)
                state, record = self._advance(weights, state, batch, matrices, inputs)
                record = np.asarray(ops.convert_to_numpy(record))
                record = record.reshape(len(transitions), size, -1)
                pieces.append(record.transpose(1, 0, 2))
                if advance:
                    advance(len(transitions) * count * hmc.leapfrogs)
            return np.concatenate(pieces, axis=1), state.log_step_mean

        records, log_steps = in_full_batches(
            run, len(slots), size, kinds([measurement for measurement, _ in slots])
        )
        return records, np.exp(log_steps, dtype=np.float64)

    def _inputs(
        self, slots: Sequence[tuple[Measurement, int]], transitions: range
    ) -> TransitionInputs:
        """Random numbers and adaptation steps of some transitions of every chain."""
        size = self._energy.latent_size
        numbers = np.empty((len(transitions), len(slots), size + 2), np.float32)
        for row, transition in enumerate(transitions):
            for column, (measurement, chain) in enumerate(slots):
                rng = chain_rng(self._seed, measurement.key, chain, transition)
                numbers[row, column, :size] = rng.standard_normal(size)
                # From (0, 1], whose logarithm is finite.
                numbers[row, column, -2:] = 1.0 - rng.random(2)
        counts = np.arange(transitions.start + 1, transitions.stop + 1)
        is_warming_up = counts <= self._options.hmc.warm_up
        return TransitionInputs(
            momenta=numbers[..., :size],
            thresholds=np.log(numbers[..., -2]),
            jitters=1.0 + _JITTER * (2.0 * numbers[..., -1] - 1.0),
            adapted=np.where(is_warming_up, counts, 0).astype(np.float32),
        )

    def _draws(self, records: NDArray[np.float32], steps: NDArray[np.float64]) -> Draws:
        kept = records[:, self._options.hmc.warm_up :]
        return Draws(
            variables=kept[..., :-3],
            energies=kept[..., -3],
            acceptance=kept[..., -2].mean(axis=1, dtype=np.float64),
            step_sizes=steps,
            divergences=int(kept[..., -1].sum()),
        )

    def _advance_in_graph(
        self,
        weights: Weights,
        state: ChainState,
        batch: MeasurementBatch,
        factors: Any,
        inputs: TransitionInputs,
    ) -> tuple[ChainState, Any]:
        def step(state: ChainState, now: TransitionInputs) -> tuple[ChainState, Any]:
            after, record = self._kernel.transition(weights, state, batch, factors, now)
            return after, ops.reshape(record, (-1,))

        width = self._energy.latent_size + 3
        return graph.repeat(step, state, inputs, self._options.batch_size * width)


def chosen_starts(
    energies: NDArray[np.float32], latent_size: int, count: int
) -> list[int]:
    """Choose the searches at whose ends chains begin.

    Were the posterior normal, U would be above its lowest by half the number of
    dimensions on average, and by all of it hardly ever (7 standard deviations of 100
    dimensions). A search that ended higher has found another face, of which the
    posterior has next to nothing; no chain would leave it in time.

    Args:
        energies: U where each search has ended, (searches,).
        latent_size: Length of u.
        count: Number of chains.

    Returns:
        Indices of searches, the lowest first, and again if they are fewer than the
        chains.
    """
    order = np.argsort(energies, kind="stable")
    near = order[energies[order] <= energies[order[0]] + latent_size]
    return [int(near[chain % len(near)]) for chain in range(count)]


def chain_rng(
    seed: int, photo_id: str, chain: int, transition: int
) -> np.random.Generator:
    """Random numbers of one transition of one chain of a photo.

    Args:
        seed: Seed of the project.
        photo_id: Id of the photo.
        chain: Number of the chain among those of the photo.
        transition: Number of the transition, from 0.
    """
    return keyed_rng(seed, Purpose.CHAIN, photo_key(photo_id), chain, transition)
