"""Fingerprint of a training run, by which a checkpoint is found compatible.

The data, the architecture, the seed and the parameters that decide its steps are
kept in every checkpoint, and a training with others is refused. A few parameters
may change on purpose between two runs; that is said, with both values.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from facefill.errors import CheckpointError
from facefill.preparation.face_set import pixel_digest
from facefill.preparation.sharded_array import ImageArray
from facefill.training.trainer import Trainer

RunFingerprint = Mapping[str, Any]
"""What the steps of a training depend on, by name."""

_FIXED = (
    "batch_size",
    "beta_1",
    "generator_updates",
    "update_order",
    "r1_weight",
    "r1_interval",
    "real_label",
    "augment",
    "flip",
    "average_decay",
)
_CHANGEABLE_OPTIONS = (
    "max_steps",
    "learning_rate",
    "discriminator_learning_rate",
    "steps_per_call",
    "precision",
)

CHANGEABLE = "changeable"
"""Key of the options that may change between two runs."""

# What trainings did before these could be chosen. Never change a value here, even
# where a default changes: it says what old checkpoints are of.
_NEUTRAL: RunFingerprint = {
    "discriminator_norm": "batch",
    "train.start_from": "random",
    "train.r1_weight": 0.0,
    "train.r1_interval": 16,
    "train.real_label": 1.0,
    "train.augment": [],
    CHANGEABLE: {},
}

logger = logging.getLogger(__name__)


def fingerprint_of(photos: ImageArray, trainer: Trainer) -> RunFingerprint:
    """Collect what the steps depend on, as values that JSON can hold.

    Every pixel of the photos is read and hashed, which takes minutes for millions of
    them: to be called once a start.
    """
    options = trainer.options.model_dump()
    return {
        **{f"train.{name}": options[name] for name in _FIXED},
        "train.start_from": trainer.start,
        **asdict(trainer.architecture),
        "seed": trainer.seed,
        "faces": f"{len(photos)} of hash {pixel_digest(photos)}",
        CHANGEABLE: {f"train.{name}": options[name] for name in _CHANGEABLE_OPTIONS},
    }


def require_same(then: RunFingerprint, now: RunFingerprint, folder: Path) -> None:
    """Refuse to continue what was begun with other data or parameters.

    Args:
        then: The fingerprint in the checkpoint.
        now: That of this run. Options that either does not name have neutral values.
        folder: Of the checkpoints, for the message.

    Raises:
        CheckpointError: Naming the first difference with both values.
    """
    then, now = {**_NEUTRAL, **then}, {**_NEUTRAL, **now}
    for name in sorted({*then, *now} - {CHANGEABLE}):
        if then.get(name) != now.get(name):
            raise CheckpointError(
                f"the training in {folder} was begun with {name} = {then.get(name)}, "
                f"now it is {now.get(name)}; set it back, or move that folder away to "
                "begin anew"
            )
    for name, value in then[CHANGEABLE].items():
        if value != now[CHANGEABLE].get(name, value):
            logger.info("%s is now %s, was %s", name, now[CHANGEABLE][name], value)
