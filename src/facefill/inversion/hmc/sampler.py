"""From searches for a face to draws from its posterior, and what is shown of them."""

from collections.abc import Callable, Sequence

import numpy as np
from keras import ops

from facefill.imaging.pictures import to_uint8
from facefill.inversion.candidates import Candidate, Slots
from facefill.inversion.descent import Descent
from facefill.inversion.hmc.chains import Chains, Draws
from facefill.inversion.hmc.energy import Energy
from facefill.inversion.hmc.summary import diagnose, draws_to_show, summarise
from facefill.inversion.latents import to_latents, to_variables
from facefill.inversion.measurement import Measurement
from facefill.inversion.objective import Objective
from facefill.parameters import CompleteOptions
from facefill.runtime.progress import Advance

Fit = Callable[[np.ndarray, Measurement], np.ndarray]
"""Fits a picture, uint8 (S, S, 3), to what is known of a face."""


class Sampler:
    """Samples the posterior of each face from where searches for it have come to.

    Attributes:
        descent: The search for the lowest energy, which comes first.
    """

    def __init__(
        self,
        energy: Energy,
        objective: Objective,
        options: CompleteOptions,
        seed: int,
        fit: Fit,
    ) -> None:
        """Take the energy to sample, and the loss that is reported of the draws."""
        self.descent = Descent(energy, energy.options, seed)
        self._energy = energy
        self._chains = Chains(energy, options, seed)
        self._judge = Descent(objective, options, seed)
        self._objective = objective
        self._options = options
        self._fit = fit

    def sample(
        self, slots: Slots, targets: Sequence[Measurement], advance: Advance | None
    ) -> list[tuple[Candidate, ...]]:
        """Run the chains of every face.

        Args:
            slots: Searches that have ended, ``num_kept`` for each face.
            targets: The faces.
            advance: Told the leapfrogs done since the last call.

        Returns:
            For each face the posterior mean, then draws if more candidates are asked
            for, by their loss.
        """
        chosen = [targets[photo] for photo in slots.photos]
        latents, _ = self.descent.settle(slots.state, chosen)
        ends = to_variables(latents, self.descent.projection)
        order = np.lexsort([slots.state.best_loss, slots.photos])
        order = order.reshape(len(targets), -1)
        drawn = self._chains.run(ends[order], targets, advance)
        return [
            self._candidates(draws, target, slots.history[rows[0]])
            for draws, target, rows in zip(drawn, targets, order, strict=True)
        ]

    def _candidates(
        self, draws: Draws, target: Measurement, history: np.ndarray
    ) -> tuple[Candidate, ...]:
        latent_size = draws.variables.shape[-1]
        variables = draws.variables.reshape(-1, latent_size)
        pictures = self._energy.paint(variables)
        posterior = summarise(draws, pictures, self._options.hmc.noise)
        diagnosis = diagnose(draws)
        rows = draws_to_show(draws, self._options.candidates)
        latents = ops.convert_to_numpy(
            to_latents(variables[rows], self.descent.projection)
        )
        parts = self._judge.measure(np.asarray(latents), [target] * len(rows))
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
                fitted=self._fit(shown[row], target),
                contextual=float(parts[row, 0]),
                perceptual=float(parts[row, 1]),
                loss=float(losses[row]),
                history=history,
                diagnosis=diagnosis,
                posterior=posterior,
            )
            for row in order
        )
