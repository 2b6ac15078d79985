"""Solvers: from the starts of searches to candidates, by gradients or by chains."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol

import numpy as np

from facefill.inversion.candidates import Candidate, ranked
from facefill.inversion.descent import Descent, UpdateRule
from facefill.inversion.gradient_rule import GradientRule
from facefill.inversion.hmc.energy import Energy
from facefill.inversion.hmc.reference import ReferenceHmcRule
from facefill.inversion.hmc.sampler import PosteriorSolver
from facefill.inversion.measurement import Measurement
from facefill.inversion.multi_start import MultiStart, Watch
from facefill.inversion.objective import LatentLoss, Objective
from facefill.models.files import ModelPair
from facefill.models.generation import generate
from facefill.parameters import CompleteOptions
from facefill.runtime.progress import Advance


class Solver(Protocol):
    """Finds candidates for faces."""

    @property
    def iterations_per_photo(self) -> int:
        """Iterations, and leapfrogs of chains, that a photo takes in all."""

    def arithmetic(self) -> AbstractContextManager[None]:
        """Context of the arithmetic that the solver and its starts need."""

    def solve(
        self,
        measurements: Sequence[Measurement],
        latents: np.ndarray,
        watch: Watch | None,
        advance: Advance | None,
    ) -> list[tuple[Candidate, ...]]:
        """Search for every face.

        Args:
            measurements: The faces.
            latents: Starts of each, float32 (photos, starts, latent_size).
            watch: Told the state at the start and after every call of the graph, but
                not after the last.
            advance: Told the iterations done since the last call, of all searches.

        Returns:
            Candidates of each face, best first, not fitted to it yet.
        """


class SearchSolver:
    """Searches by an update rule alone: Adam, momentum or the reference's HMC."""

    def __init__(self, search: MultiStart) -> None:
        """Take the search."""
        self._search = search

    @property
    def iterations_per_photo(self) -> int:
        """Iterations of all searches of a photo together."""
        return self._search.iterations_per_photo

    def arithmetic(self) -> AbstractContextManager[None]:
        """Any arithmetic will do."""
        return nullcontext()

    def solve(
        self,
        measurements: Sequence[Measurement],
        latents: np.ndarray,
        watch: Watch | None,
        advance: Advance | None,
    ) -> list[tuple[Candidate, ...]]:
        """Search for every face; see ``Solver``."""
        slots = self._search.run(measurements, latents, watch, advance)
        settled = self._search.settle(slots, measurements)
        diagnoses = self._search.descent.rule.diagnoses(slots.state)
        return ranked(slots, settled, diagnoses)


def solver_of(
    networks: ModelPair, options: CompleteOptions, lam: float, seed: int
) -> Solver:
    """Build the solver that the options name.

    Args:
        networks: G and D.
        options: Options of the search.
        lam: Weight of the perceptual loss.
        seed: Seed of everything random.
    """
    objective = Objective(*networks, options, lam)
    size = objective.latent_size
    if options.samples_posterior:
        # The posterior is one of u, and so is the search for its mode.
        options = options.model_copy(update={"projection": "normal"})
        energy = Energy(networks.generator, options)
        search = _search(networks, energy, GradientRule(options, seed, size), options)
        return PosteriorSolver(search, energy, objective, options, seed)
    of_method = ReferenceHmcRule if options.method == "hmc" else GradientRule
    rule = of_method(options, seed, size)
    return SearchSolver(_search(networks, objective, rule, options))


def _search(
    networks: ModelPair, loss: LatentLoss, rule: UpdateRule, options: CompleteOptions
) -> MultiStart:
    pictures = partial(generate, networks.generator, batch_size=options.batch_size)
    return MultiStart(Descent(loss, rule, options), options, pictures)
