"""Train the refiner of heads, and pack it to come with facefill.

Run it in the project's environment with the extra ``judges``, where ``kedro run
--pipeline=prepare`` has aligned photos::

    python tools/ship_head_refiner.py data/ head-refiner/ --steps 10000

It begins with the refiner of faces. The same command goes on with a training that was
interrupted. In the last fifth of the steps the learning rates fall to nothing.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from ship_refiner import ship
from training_heads import training_heads

from facefill.backend import devices
from facefill.completion.expected_heads import expected_head
from facefill.completion.head_pictures import SIDE, resized
from facefill.imaging.masks import Mask
from facefill.models import pretrained
from facefill.models.pretrained import HEAD_REFINER, HEAD_REFINER_MANIFEST
from facefill.preparation.face_set import pixel_digest
from facefill.runtime.packaged_files import FOLDER
from facefill.runtime.rng import Purpose, keyed_rng
from facefill.training.batches import batch_indices
from facefill.training.checkpoints import CheckpointStore
from facefill.training.refiner.batches import windows_on_holes
from facefill.training.refiner.holes import hide_beyond_line, hide_ellipse
from facefill.training.refiner.perceptual import perceptual_loss
from facefill.training.refiner.step import (
    METRICS,
    Cooling,
    LossWeights,
    RefinerBatch,
)
from facefill.training.refiner.trainer import RefinerTrainer
from facefill.training.refiner.tuning import TunedTrainer
from facefill.training.step_loop import Schedule, Telling, take_steps

SEED = 1
BATCH_SIZE = 32
HEADS_A_ROUND, EPOCHS_A_ROUND = 3200, 4
LEAST_HIDDEN, MOST_HIDDEN = 0.04, 0.8


def main() -> None:
    """Train on, and pack what there is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--output", type=Path, default=FOLDER)
    given = parser.parse_args()
    precision = devices.resolve_precision("auto", "auto")
    loss = perceptual_loss(precision, with_vgg16=True)
    if loss is None:
        parser.error("it is shipped with its perceptual loss; install judges")
    cooling = Cooling(given.steps * 4 // 5, given.steps)
    trainer = RefinerTrainer(SIDE, SEED, LossWeights(), loss, precision, cooling)
    tuned = TunedTrainer(trainer, pretrained.load_refiner(), has_perceptual_loss=True)
    batches = HeadBatches(given.data)
    state = take_steps(
        tuned,
        lambda step: batches.batch(step, BATCH_SIZE),
        CheckpointStore(given.folder / "checkpoints"),
        Schedule(given.steps, BATCH_SIZE, checkpoint_every=200),
        {"heads": pixel_digest(batches.pictures), "refiner": tuned.describe()},
        Telling("training the refiner of heads", METRICS, None),
    )
    names = HEAD_REFINER, HEAD_REFINER_MANIFEST
    print(f"{ship(trainer.refiner(state), given.output, names)} bytes")


class HeadBatches:
    """Batches of heads under drawn holes, and of what is expected of them.

    Each round takes some of the heads, and goes through them a few times. All of it is
    a function of the step.
    """

    def __init__(self, data: Path) -> None:
        """Cut out the heads."""
        heads = list(training_heads(data))
        self.pictures = np.stack([head.picture for head in heads])
        self._seen = np.stack([head.seen for head in heads])
        self._faces = np.stack([head.face for head in heads])
        self._round = -1
        self._chosen = np.empty(0, np.intp)
        self._known = np.empty(0, np.bool_)
        self._expected = np.empty(0, np.uint8)

    def batch(self, step: int, batch_size: int) -> RefinerBatch:
        """Batch of a step."""
        count = min(HEADS_A_ROUND, len(self.pictures))
        round_, within = divmod(step, count * EPOCHS_A_ROUND // batch_size)
        if round_ != self._round:
            self._begin(round_, count)
        rows = batch_indices(count, batch_size, SEED + round_, within)
        rng = keyed_rng(SEED, Purpose.REFINER_FLIPS, step)
        flips, known = rng.random(batch_size) < 0.5, self._known[rows]
        return RefinerBatch(
            crops=self.pictures[self._chosen[rows]],
            coarse=np.stack([resized(head, SIDE) for head in self._expected[rows]]),
            known=known,
            flips=flips,
            windows=windows_on_holes(rng, known, flips),
        )

    def _begin(self, round_: int, count: int) -> None:
        rng = keyed_rng(SEED, Purpose.REFINER_ORDER, round_)
        self._chosen = rng.permutation(len(self.pictures))[:count]
        self._known = np.stack([self._drawn(rng, row) for row in self._chosen.tolist()])
        expected = [
            expected_head(self.pictures[row], self._known[place])
            for place, row in enumerate(self._chosen)
        ]
        self._expected = np.asarray(expected, np.uint8)
        self._round = round_

    def _drawn(self, rng: np.random.Generator, row: int) -> Mask:
        """Known pixels of a head in whose photo something is missing."""
        while True:
            inside = draw_edges(rng) & self._seen[row]
            known: Mask = draw_hole(rng) & inside | self._faces[row]
            if LEAST_HIDDEN < 1.0 - known.mean() < MOST_HIDDEN:
                return known


def draw_hole(rng: np.random.Generator) -> Mask:
    """Draw the known pixels of a torn head: below, at a corner, a side, or stains."""
    kinds = ["below", "corner", "side", "above", "stains", "two"]
    kind = rng.choice(kinds, p=[0.3, 0.3, 0.17, 0.05, 0.1, 0.08])
    down, up = math.pi / 2, -math.pi / 2
    if kind == "two":
        return draw_hole(rng) & draw_hole(rng)
    if kind == "stains":
        stains = [hide_ellipse(rng, SIDE) for _ in range(rng.integers(1, 4))]
        return np.asarray(np.all(stains, axis=0))
    angle, limits = {
        "below": (down + rng.normal(0.0, 0.12), (-0.05, 0.42)),
        "corner": (up + rng.choice((-1, 1)) * rng.uniform(0.35, 1.2), (-0.12, 0.45)),
        "side": (rng.choice((0.0, math.pi)) + rng.normal(0.0, 0.15), (-0.12, 0.3)),
        "above": (up + rng.normal(0.0, 0.2), (0.1, 0.4)),
    }[str(kind)]
    return hide_beyond_line(rng, SIDE, angle, limits)


def draw_edges(rng: np.random.Generator) -> Mask:
    """Draw where a photo is, which may end within the picture of its head."""
    inside = np.ones((SIDE, SIDE), np.bool_)
    if rng.random() < 0.35:
        for turns in range(4):
            if rng.random() < 0.4:
                width = int(rng.uniform(0.0, 0.22) * SIDE)
                np.rot90(inside, turns)[:width] = False
    return inside


if __name__ == "__main__":
    main()
