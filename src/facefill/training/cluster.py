"""Cluster membership from ``TF_CONFIG``: world size and rank of this process."""

import json
import os
from dataclasses import dataclass
from typing import Any

from facefill.errors import TrainingError
from facefill.parameters.choices import Distribution

VARIABLE = "TF_CONFIG"

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Cluster:
    """The processes that train together.

    Attributes:
        world_size: How many they are.
        rank: Of this one among them, from 0; the first one is the chief.
    """

    world_size: int
    rank: int


def is_chief(distribute: Distribution) -> bool:
    """Whether this process is the first of its cluster, or alone.

    Raises:
        TrainingError: As ``this_cluster``.
    """
    return distribute != "multi_worker" or this_cluster().rank == 0


def this_cluster() -> Cluster:
    """Read ``TF_CONFIG``, which every process of a cluster has to be given.

    Raises:
        TrainingError: If it is not set, or does not name this process.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        raise TrainingError(
            f"train.distribute is 'multi_worker', but {VARIABLE} is not set; give it "
            f"to every process, the index counting up: {VARIABLE}='{_EXAMPLE}'"
        )
    try:
        content = json.loads(text)
        workers = content["cluster"]["worker"]
        chiefs = content["cluster"].get("chief", [])
        names = [("chief", index) for index in range(len(chiefs))]
        names += [("worker", index) for index in range(len(workers))]
        rank = names.index(_name(content["task"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{VARIABLE} does not name the workers and which of them this process is "
            f"({error}); it should be as {_EXAMPLE}"
        ) from error
    return Cluster(len(names), rank)


def _name(task: dict[str, Any]) -> tuple[str, int]:
    return str(task["type"]), int(task["index"])
