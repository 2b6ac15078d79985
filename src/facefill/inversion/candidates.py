"""Candidates: searches for faces while they run, and their results in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facefill.inversion.descent import SearchState, select
from facefill.inversion.hmc.summary import Diagnosis, Posterior


@dataclass(frozen=True)
class Candidate:
    """One result of the search for a face.

    Attributes:
        start: Number of the start that it came from, among those of its photo.
        latent: z, float32 (latent_size,).
        generated: G(z), uint8 (S, S, 3).
        fitted: G(z) fitted to the known pixels, if the options say so, else G(z).
        contextual: Contextual loss at z.
        perceptual: Perceptual loss at z.
        loss: contextual + lam * perceptual.
        history: Contextual and perceptual loss before each iteration, float32
            (2, iterations). The second is |u|^2 / 2 if chains follow, and NaN if
            ``lam`` is 0, with which the search does without D.
        diagnosis: Diagnosis of the chains, or proposals, that it came from.
        posterior: Summary of the chains of the face.
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
    """Searches under way; every leading axis is N.

    Attributes:
        photos: Index of the photo that each is for, ascending.
        starts: Number of its start among those of the photo.
        state: State of the searches.
        history: Both parts of the loss before each iteration so far, float32
            (N, 2, iterations).
    """

    photos: np.ndarray
    starts: np.ndarray
    state: SearchState
    history: np.ndarray

    def at(self, rows: np.ndarray) -> "Slots":
        """Some of the searches, in this order."""
        return Slots(
            self.photos[rows],
            self.starts[rows],
            select(self.state, rows),
            self.history[rows],
        )


class Settled(NamedTuple):
    """Results of N searches.

    Attributes:
        latents: float32 (N, latent_size).
        generated: G(z), uint8 (N, S, S, 3).
        parts: Both parts of the loss, float32 (N, 2).
        losses: Loss, (N,).
    """

    latents: np.ndarray
    generated: np.ndarray
    parts: np.ndarray
    losses: np.ndarray


def ranked(
    slots: Slots, settled: Settled, diagnoses: Sequence[Diagnosis | None]
) -> list[tuple[Candidate, ...]]:
    """Candidates of each photo, those of lower loss first.

    Args:
        slots: Searches that have ended.
        settled: Their results.
        diagnoses: Diagnosis of each, if it has one.
    """
    candidates: list[list[Candidate]] = [[] for _ in range(slots.photos[-1] + 1)]
    for row in np.lexsort([settled.losses, slots.photos]):
        candidates[slots.photos[row]].append(
            Candidate(
                start=int(slots.starts[row]),
                latent=settled.latents[row],
                generated=settled.generated[row],
                fitted=settled.generated[row],
                contextual=float(settled.parts[row, 0]),
                perceptual=float(settled.parts[row, 1]),
                loss=float(settled.losses[row]),
                history=slots.history[row],
                diagnosis=diagnoses[row],
            )
        )
    return [tuple(of_photo) for of_photo in candidates]
