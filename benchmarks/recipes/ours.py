"""Our step, as ``kedro run --pipeline=train`` takes it, of either preset."""

from collections.abc import Callable

import numpy as np

from facefill.backend.memory import keep_freed_memory
from facefill.parameters import TrainOptions
from facefill.training.batches import batches
from facefill.training.trainer import Trainer
from recipes import STEPS


def rounds_of_steps(
    faces: np.ndarray, batch_size: int, precision: str, preset: str = "default"
) -> Callable[[], object]:
    """Train on batches as the loader gives them."""
    options = TrainOptions.model_validate(
        {
            "preset": preset,
            "batch_size": batch_size,
            "precision": precision,
            "max_steps": 10**6,
            "steps_per_call": STEPS,
        }
    )
    keep_freed_memory()
    trainer = Trainer(options, faces.shape[1], seed=1)
    stacks = batches(faces, options, seed=1, first=0)
    state = trainer.initial_state()

    def round_of_steps() -> None:
        nonlocal state
        state, _ = trainer.advance(state, next(stacks))

    return round_of_steps
