"""Descent from several starts for each photo, the worse of which are given up early."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from facefill.inversion.candidates import Settled, Slots
from facefill.inversion.descent import Descent
from facefill.inversion.measurement import Measurement
from facefill.parameters import CompleteOptions
from facefill.runtime.progress import Advance

Generate = Callable[[np.ndarray], np.ndarray]
"""Pictures, uint8 (N, S, S, 3), of latents (N, latent_size)."""

Watch = Callable[[int, np.ndarray], None]
"""Is told the iterations done and the best G(z) of each photo, uint8 (N, S, S, 3)."""


class MultiStart:
    """Runs the searches of a batch of photos to their last iteration.

    Attributes:
        descent: What moves the searches.
    """

    def __init__(
        self, descent: Descent, options: CompleteOptions, generate: Generate
    ) -> None:
        """Set up.

        Args:
            descent: What moves the searches.
            options: Iterations, starts, and which of them are kept.
            generate: The generator, for pictures to watch and results.
        """
        self.descent = descent
        self._options = options
        self._generate = generate

    @property
    def iterations_per_photo(self) -> int:
        """Iterations of all searches of a photo together."""
        starts, kept = self._options.num_starts, self._options.num_kept
        return sum(
            (end - begin) * (starts if end <= self._prune_at else kept)
            for begin, end in self._pieces()
        )

    def run(
        self,
        measurements: Sequence[Measurement],
        latents: np.ndarray,
        watch: Watch | None,
        advance: Advance | None,
    ) -> Slots:
        """Search for every face.

        Args:
            measurements: The faces.
            latents: Starts of each, float32 (photos, starts, latent_size).
            watch: Told the state at the start and after every call of the graph, but
                not after the last.
            advance: Told the iterations done since the last call, of all searches.

        Returns:
            The searches after the last iteration, ``num_kept`` for each photo.
        """
        slots = self._begin(latents)
        if watch:
            watch(0, self._best_pictures(slots))
        for begin, end in self._pieces():
            state, history = self.descent.advance(
                slots.state,
                [measurements[photo] for photo in slots.photos],
                slots.starts.tolist(),
                range(begin, end),
            )
            history = np.concatenate([slots.history, history], axis=2)
            slots = slots._replace(state=state, history=history)
            if advance:
                advance((end - begin) * len(slots.photos))
            if end == self._prune_at:
                slots = self._pruned(slots)
            if watch and end < self._options.num_iterations:
                watch(end, self._best_pictures(slots))
        return slots

    def settle(self, slots: Slots, measurements: Sequence[Measurement]) -> Settled:
        """Results of searches that have ended."""
        chosen = [measurements[photo] for photo in slots.photos]
        latents, parts = self.descent.settle(slots.state, chosen)
        losses = np.asarray(self.descent.loss.total(parts.T))
        return Settled(latents, self._generate(latents), parts, losses)

    @property
    def _prune_at(self) -> int:
        return min(self._options.prune_after, self._options.num_iterations)

    def _pieces(self) -> list[tuple[int, int]]:
        """Iterations of each call of the graph: the first, and the end."""
        options = self._options
        edges = {*range(0, options.num_iterations, options.iterations_per_call)}
        edges.add(options.num_iterations)
        if options.num_starts > options.num_kept:
            edges.add(self._prune_at)
        return list(pairwise(sorted(edges)))

    def _begin(self, latents: np.ndarray) -> Slots:
        photos, starts, latent_size = latents.shape
        return Slots(
            photos=np.repeat(np.arange(photos), starts),
            starts=np.tile(np.arange(starts), photos),
            state=self.descent.start(latents.reshape(-1, latent_size)),
            history=np.zeros((photos * starts, 2, 0), np.float32),
        )

    def _pruned(self, slots: Slots) -> Slots:
        """Of each photo the ``num_kept`` searches that have met the lowest losses."""
        if self._options.num_starts == self._options.num_kept:
            return slots
        # Stable: of equals the one that began better.
        order = np.lexsort([slots.state.best_loss, slots.photos])
        ranks = np.arange(len(order)) % self._options.num_starts
        return slots.at(order[ranks < self._options.num_kept])

    def _best_pictures(self, slots: Slots) -> np.ndarray:
        """G(z) of the best search of each photo now, uint8 (photos, S, S, 3)."""
        order = np.lexsort([slots.state.best_loss, slots.photos])
        _, first = np.unique(slots.photos[order], return_index=True)
        variables = slots.state.variables[order[first]]
        return self._generate(self.descent.latents(variables))
