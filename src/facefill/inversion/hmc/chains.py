"""Chains that sample the posterior of the latents of many faces, in the graph.

As in a search, a batch is always full and every number that is drawn is a function
of the seed, the photo's id and the chain, so that no photo sees another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from facefill.backend import graph
from facefill.inversion.hmc.energy import Energy
from facefill.inversion.hmc.kernel import ChainState, Hamiltonian, TransitionInputs
from facefill.inversion.measurement import Measurement, MeasurementBatch, gather
from facefill.inversion.objective import Weights
from facefill.parameters import CompleteOptions
from facefill.runtime.batching import full_batches
from facefill.runtime.progress import Advance
from facefill.runtime.rng import Purpose, keyed_rng, photo_key

# A step size that fits the length of no orbit: Neal 2011, section 3.2.
_JITTER = 0.2


@dataclass(frozen=True)
class Draws:
    """What the chains of one photo have drawn; leading axes (chains, draws).

    Attributes:
        variables: u, float32 (chains, draws, d).
        energies: U(u), float32 (chains, draws).
        acceptance: Mean probability of acceptance of each chain, (chains,).
        step_sizes: In units of the posterior's standard deviation, (chains,).
        divergences: Proposals whose energy went astray, warm-up left out.
    """

    variables: NDArray[np.float32]
    energies: NDArray[np.float32]
    acceptance: NDArray[np.float64]
    step_sizes: NDArray[np.float64]
    divergences: int


class Chains:
    """Runs chains by Hamiltonian Monte Carlo."""

    def __init__(self, energy: Energy, options: CompleteOptions, seed: int) -> None:
        """Compile the transitions."""
        self._energy = energy
        self._options = options
        self._seed = seed
        hmc = options.hmc
        self._rule = Hamiltonian(energy, hmc.leapfrogs, hmc.acceptance)
        self._begin = graph.compiled(self._rule.begin, options.device)
        self._advance = graph.compiled(self._advance_in_graph, options.device)

    def run(
        self,
        ends: NDArray[np.float32],
        targets: Sequence[Measurement],
        advance: Advance | None = None,
    ) -> list[Draws]:
        """Sample the posterior of each face.

        Args:
            ends: u where searches have ended, (photos, searches, d).
            targets: The faces.
            advance: Told the leapfrogs of all chains done since the last call.
        """
        count = self._options.hmc.chains
        starts, factors = [], []
        for target, found in zip(targets, ends, strict=True):
            start, factor = self._starts(found, target)
            starts.append(start)
            factors.append(factor)
        slots = [(target, chain) for target in targets for chain in range(count)]
        records, steps = self._run(
            np.concatenate(starts), np.concatenate(factors), slots, advance
        )
        return [
            self._draws(records[begin : begin + count], steps[begin : begin + count])
            for begin in range(0, len(slots), count)
        ]

    def _starts(
        self, ends: NDArray[np.float32], target: Measurement
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Choose where the chains of a photo begin, and the metric of each."""
        energies = self._energy.measure(ends, [target] * len(ends))
        chosen = places_to_begin(energies, ends.shape[1], self._options.hmc.chains)
        factors = {place: self._energy.metric(ends[place], target) for place in chosen}
        return ends[chosen], np.stack([factors[place] for place in chosen])

    def _run(
        self,
        starts: NDArray[np.float32],
        factors: NDArray[np.float32],
        slots: Sequence[tuple[Measurement, int]],
        advance: Advance | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Run every chain; give records (N, T, d + 3) and the step sizes (N,)."""
        hmc, size = self._options.hmc, self._options.batch_size
        total, piece = hmc.warm_up + hmc.draws, self._options.iterations_per_call
        weights = self._energy.weights()
        records, steps = [], []
        for rows, count in full_batches(len(slots), size):
            chosen = [slots[row] for row in rows]
            known = graph.to_device(gather([one for one, _ in chosen], "uniform", 3))
            matrices = ops.convert_to_tensor(factors[rows])
            state = self._begin(weights, ops.convert_to_tensor(starts[rows]), known)
            pieces = []
            for begin in range(0, total, piece):
                places = range(begin, min(begin + piece, total))
                chance = self._chance(chosen, places)
                state, record = self._advance(weights, state, known, matrices, chance)
                record = np.asarray(ops.convert_to_numpy(record))
                record = record.reshape(len(places), size, -1)[:, :count]
                pieces.append(record.transpose(1, 0, 2))
                if advance:
                    advance(len(places) * count * hmc.leapfrogs)
            records.append(np.concatenate(pieces, axis=1))
            log_steps = np.asarray(ops.convert_to_numpy(state.log_step_mean))
            steps.append(np.exp(log_steps[:count], dtype=np.float64))
        return np.concatenate(records), np.concatenate(steps)

    def _chance(
        self, slots: Sequence[tuple[Measurement, int]], places: range
    ) -> TransitionInputs:
        """Draw what transitions need, each from a generator of its own."""
        latent_size = self._energy.latent_size
        numbers = np.empty((len(places), len(slots), latent_size + 2), np.float32)
        for row, place in enumerate(places):
            for column, (target, chain) in enumerate(slots):
                draw = chain_generator(self._seed, target.key, chain, place)
                numbers[row, column, :latent_size] = draw.standard_normal(latent_size)
                # From (0, 1], whose logarithm is finite.
                numbers[row, column, -2:] = 1.0 - draw.random(2)
        counts = np.arange(places.start + 1, places.stop + 1, dtype=np.float32)
        warm_up = self._options.hmc.warm_up
        return TransitionInputs(
            momenta=numbers[..., :latent_size],
            thresholds=np.log(numbers[..., -2]),
            jitters=1.0 + _JITTER * (2.0 * numbers[..., -1] - 1.0),
            adapted=np.where(counts <= warm_up, counts, 0.0).astype(np.float32),
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
        knowledge: MeasurementBatch,
        factors: Any,
        chance: TransitionInputs,
    ) -> tuple[ChainState, Any]:
        def step(state: ChainState, now: TransitionInputs) -> tuple[ChainState, Any]:
            after, record = self._rule.transition(
                weights, state, knowledge, factors, now
            )
            return after, ops.reshape(record, (-1,))

        width = self._energy.latent_size + 3
        return graph.repeat(step, state, chance, self._options.batch_size * width)


def places_to_begin(
    energies: NDArray[np.float32], latent_size: int, count: int
) -> list[int]:
    """Choose the searches that chains begin where they have ended.

    Were the posterior normal, U would be above its lowest by half the number of
    dimensions on average, and by all of it hardly ever (7 standard deviations of 100
    dimensions). A search that ended higher has found another face, of which the
    posterior has next to nothing; no chain would leave it in time.

    Args:
        energies: U where each search has ended.
        latent_size: Length of u.
        count: Chains.

    Returns:
        Places among the searches, the lowest first, and again if they are fewer than
        the chains.
    """
    order = np.argsort(energies, kind="stable")
    near = order[energies[order] <= energies[order[0]] + latent_size]
    return [int(near[chain % len(near)]) for chain in range(count)]


def chain_generator(
    seed: int, photo_id: str, chain: int, place: int
) -> np.random.Generator:
    """Begin the numbers of one transition of one chain of a photo.

    Args:
        seed: Of the project.
        photo_id: Of the photo, whose numbers no other photo changes.
        chain: Which of its chains.
        place: Which of the chain's transitions, from 0.
    """
    return keyed_rng(seed, Purpose.CHAIN, photo_key(photo_id), chain, place)
