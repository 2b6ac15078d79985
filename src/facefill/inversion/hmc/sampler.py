"""Posterior solver: a search for the lowest energy, then chains, then candidates."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np
from keras import ops

from facefill.backend import devices
from facefill.imaging.pictures import to_uint8
from facefill.inversion.candidates import Candidate
from facefill.inversion.hmc.chains import Chains, Draws
from facefill.inversion.hmc.energy import Energy
from facefill.inversion.hmc.summary import (
    diagnose,
    draws_to_show,
    error_scales,
    summarise,
)
from facefill.inversion.latents import to_latents, to_variables
from facefill.inversion.measurement import Measurement
from facefill.inversion.multi_start import MultiStart, Watch
from facefill.inversion.objective import Objective
from facefill.parameters import CompleteOptions
from facefill.runtime.progress import Advance


class PosteriorSolver:
    """Samples the posterior of each face from where searches for it have ended."""

    def __init__(
        self,
        search: MultiStart,
        energy: Energy,
        objective: Objective,
        options: CompleteOptions,
        seed: int,
    ) -> None:
        """Compile the chains.

        Args:
            search: Search for the lowest energy.
            energy: Energy of the posterior.
            objective: Loss that is reported of the draws.
            options: Options of the search.
            seed: Seed of the chains.
        """
        self._search = search
        self._energy = energy
        self._objective = objective
        self._options = options
        self._chains = Chains(energy, options, seed)

    @property
    def iterations_per_photo(self) -> int:
        """Iterations of all searches of a photo, and leapfrogs of its chains."""
        hmc = self._options.hmc
        transitions = self._options.num_kept * (hmc.warm_up + hmc.draws)
        return self._search.iterations_per_photo + transitions * hmc.leapfrogs

    def arithmetic(self) -> AbstractContextManager[None]:
        """Exact float32, since energies are compared to a fraction of a unit."""
        return devices.exact_float32()

    def solve(
        self,
        measurements: Sequence[Measurement],
        latents: np.ndarray,
        watch: Watch | None,
        advance: Advance | None,
    ) -> list[tuple[Candidate, ...]]:
        """Search, then run the chains of every face; see ``solvers.Solver``.

        Returns:
            For each face the posterior mean, then draws if more candidates are asked
            for, by their loss.
        """
        slots = self._search.run(measurements, latents, watch, advance)
        chosen = [measurements[photo] for photo in slots.photos]
        descent = self._search.descent
        ends = to_variables(descent.settle(slots.state, chosen)[0], "normal")
        order = np.lexsort([slots.state.best_loss, slots.photos])
        order = order.reshape(len(measurements), -1)
        all_draws = self._chains.run(ends[order], measurements, advance)
        return [
            self._candidates(draws, measurement, slots.history[rows[0]])
            for draws, measurement, rows in zip(
                all_draws, measurements, order, strict=True
            )
        ]

    def _candidates(
        self, draws: Draws, measurement: Measurement, history: np.ndarray
    ) -> tuple[Candidate, ...]:
        variables = draws.variables.reshape(-1, draws.variables.shape[-1])
        pictures = self._energy.generate(variables)
        hmc = self._options.hmc
        scales = error_scales(measurement.mask, hmc.noise, hmc.hidden_growth)
        posterior = summarise(draws, pictures, scales)
        diagnosis = diagnose(draws)
        rows = draws_to_show(draws, self._options.candidates)
        latents = np.asarray(
            ops.convert_to_numpy(to_latents(variables[rows], "normal"))
        )
        parts = self._objective.measure(latents, [measurement] * len(rows))
        losses = np.asarray(self._objective.total(parts.T))
        shown = to_uint8(pictures[rows])
        shown[0] = to_uint8(posterior.mean / 127.5 - 1.0)
        # The mean is no picture of a latent: its losses are those of the likeliest.
        order = [0, *(1 + np.argsort(losses[1:], kind="stable"))]
        return tuple(
            Candidate(
                start=int(rows[row] // draws.energies.shape[1]),
                latent=latents[row],
                generated=shown[row],
                fitted=shown[row],
                contextual=float(parts[row, 0]),
                perceptual=float(parts[row, 1]),
                loss=float(losses[row]),
                history=history,
                diagnosis=diagnosis,
                posterior=posterior,
            )
            for row in order
        )
