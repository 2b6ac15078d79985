"""Searches for faces under way, and what comes out of them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facefill.inversion.descent import SearchState, select
from facefill.inversion.hmc.summary import Diagnosis, Posterior


@dataclass(frozen=True)
class Candidate:
    """One result of the search for a face.

    Attributes:
        start: Which of the photo's starts it came from.
        latent: z, float32 (latent_size,).
        generated: G(z), uint8 (S, S, 3).
        fitted: The same fitted to the known pixels, if the options say so.
        contextual: Contextual loss at z.
        perceptual: Perceptual loss at z.
        loss: contextual + lam * perceptual.
        history: Contextual and perceptual loss before each iteration, float32
            (2, iterations). Where chains follow, |u|^2 / 2 has the place of the
            perceptual loss.
        diagnosis: Of the chains, or proposals, that it came from, if any.
        posterior: What the chains say of the face, if there are any.
    """

    start: int
    latent: np.ndarray
    generated: np.ndarray
    fitted: np.ndarray
    contextual: float
    perceptual: float
    loss: float
    history: np.ndarray
    diagnosis: Diagnosis | None = None
    posterior: Posterior | None = None


class Slots(NamedTuple):
    """Searches under way: which photo and start each is for, state and losses."""

    photos: np.ndarray
    starts: np.ndarray
    state: SearchState
    history: np.ndarray

    def at(self, rows: np.ndarray) -> "Slots":
        """Keep some of them, in this order."""
        return Slots(
            self.photos[rows],
            self.starts[rows],
            select(self.state, rows),
            self.history[rows],
        )
