"""Batches of the refiner's training: crops, coarse completions and holes of each step.

Each round takes some of the faces, completes them coarsely under holes of its own, and
goes through them a few times. All of it is a function of (seed, step), so that a
training that was interrupted takes the steps that it would have taken.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facefill.models.refinement import enlarged
from facefill.preparation.sharded_array import ImageArray
from facefill.runtime.files import remove_litter, replacing
from facefill.runtime.rng import Purpose, keyed_rng
from facefill.training.batches import batch_indices
from facefill.training.refiner.coarse import GROUP, CoarseCompleter
from facefill.training.refiner.step import WINDOW_SHARE, RefinerBatch


class RefinerBatches:
    """Batches of crops with their coarse completions."""

    def __init__(
        self,
        crops: ImageArray,
        completer: CoarseCompleter,
        folder: Path,
        faces_a_round: int = 3200,
        epochs_a_round: int = 4,
    ) -> None:
        """Take the crops; nothing is completed yet.

        Args:
            crops: uint8 (N, 2 S, 2 S, 3).
            completer: Completes their faces.
            folder: Keeps the completions of the round.
            faces_a_round: Faces that are completed at a time.
            epochs_a_round: How often a round goes through them.
        """
        self._crops = crops
        self._completer = completer
        self._folder = folder
        self._faces = min(faces_a_round, len(crops))
        self._epochs = epochs_a_round
        self._round = -1
        self._chosen = np.empty(0, np.uint8)
        self._coarse = np.empty(0, np.uint8)

    def batch(self, step: int, batch_size: int) -> RefinerBatch:
        """Batch of a step.

        Args:
            step: Steps done.
            batch_size: Crops a step, no more than a round has faces.
        """
        seed, size = self._completer.seed, self._crops.shape[1]
        steps_a_round = self._faces * self._epochs // batch_size
        round_, within = divmod(step, steps_a_round)
        if round_ != self._round:
            self._begin(round_)
        rows = batch_indices(self._faces, batch_size, seed + round_, within)
        rng = keyed_rng(seed, Purpose.REFINER_FLIPS, step)
        known = [self._completer.known(round_, row // GROUP, size) for row in rows]
        flips = rng.random(batch_size) < 0.5
        return RefinerBatch(
            crops=self._chosen[rows],
            coarse=np.stack([enlarged(face) for face in self._coarse[rows]]),
            known=np.stack(known),
            flips=flips,
            windows=windows_on_holes(rng, np.stack(known), flips),
        )

    def _begin(self, round_: int) -> None:
        """Choose the faces of a round, and complete them unless that was done."""
        seed = self._completer.seed
        rounds = len(self._crops) // self._faces
        epoch, part = divmod(round_, rounds)
        order = keyed_rng(seed, Purpose.REFINER_ORDER, epoch)
        rows = order.permutation(len(self._crops))[part * self._faces :][: self._faces]
        # Sorted reads of a memory map are faster; who shares a hole is drawn after.
        chosen = np.sort(rows)
        self._chosen = self._crops[chosen][order.permutation(len(chosen))]
        path = self._folder / f"coarse-{round_:05d}.npy"
        if not path.is_file():
            remove_litter(self._folder)  # of killed runs, each as large as the file
            with replacing(path, ".npy") as unfinished:
                np.save(unfinished, self._completed(round_))
        self._coarse = np.load(path)
        for old in self._folder.glob("coarse-*.npy"):
            if old != path:
                old.unlink()
        self._round = round_

    def _completed(self, round_: int) -> NDArray[np.uint8]:
        size = self._crops.shape[1]
        parts = []
        for group, first in enumerate(range(0, self._faces, GROUP)):
            known = self._completer.known(round_, group, size)
            crops = self._chosen[first : first + GROUP]
            parts.append(self._completer.complete(crops, known))
        return np.concatenate(parts)


def windows_on_holes(
    rng: np.random.Generator, known: NDArray[np.bool_], flips: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Draw a window around a hidden pixel of each crop, inside the crop.

    Args:
        rng: Source of random numbers.
        known: bool (N, S, S), True = known.
        flips: Crops that are mirrored, bool (N,).

    Returns:
        Row and column where each begins, int32 (N, 2), of the crop once it is mirrored.
        Its side is half the crop's.
    """
    side = known.shape[1] // WINDOW_SHARE
    starts = np.empty((len(known), 2), np.int32)
    for place, (mask, flip) in enumerate(zip(known, flips, strict=True)):
        hidden = np.argwhere(~mask[:, ::-1] if flip else ~mask)
        middle = hidden[rng.integers(len(hidden))]
        starts[place] = np.clip(middle - side // 2, 0, mask.shape[0] - side)
    return starts
