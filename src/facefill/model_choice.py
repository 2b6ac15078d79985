"""Which networks to use: those trained here, those that come with facefill, others."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from facefill import pretrained
from facefill.model_files import read_pair

if TYPE_CHECKING:
    from facefill.model_files import ModelPair

log = logging.getLogger(__name__)

RANDOM = "random"
PRETRAINED = "pretrained"


def starting_models(start_from: str) -> "ModelPair | None":
    """Load the networks that a training begins with.

    Args:
        start_from: ``random``, ``pretrained``, or a folder with ``generator.keras``
            and ``discriminator.keras``.

    Returns:
        The networks, or ``None`` if their weights are drawn at random.

    Raises:
        ModelError: If there are no such networks.
    """
    if start_from == RANDOM:
        return None
    log.info("the training starts from the models: %s", start_from)
    if start_from == PRETRAINED:
        return pretrained.load_pair()
    return read_pair(
        Path(start_from),
        cure="train.start_from is random, pretrained, or a folder with "
        "generator.keras and discriminator.keras",
    )
