"""Options of ``kedro run`` that name parts of a pipeline, checked before any work."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from facefill.errors import ParameterError

_OPTIONS = {
    "node_names": ("node", "nodes"),
    "from_nodes": ("node", "nodes"),
    "to_nodes": ("node", "nodes"),
    "from_inputs": ("dataset", "datasets"),
    "to_outputs": ("dataset", "datasets"),
    "tags": ("tag", "tags"),
    "namespaces": ("namespace", "namespaces"),
}
"""Kind of what an option names, and where such names are in ``known_names``."""

RUNNERS = ("SequentialRunner", "ThreadRunner", "ParallelRunner")


def known_names(pipelines: Iterable[Any]) -> dict[str, set[str]]:
    """Collect the names of the parts of pipelines, by kind.

    Args:
        pipelines: Pipelines of Kedro.
    """
    known: dict[str, set[str]] = {kind: set() for _, kind in _OPTIONS.values()}
    for pipeline in pipelines:
        known["datasets"] |= set(pipeline.datasets())
        for node in pipeline.nodes:
            known["nodes"].add(node.name)
            known["tags"] |= set(node.tags)
            parts = (node.namespace or "").split(".") if node.namespace else []
            for count in range(1, len(parts) + 1):
                known["namespaces"].add(".".join(parts[:count]))
    return known


def require_known(
    arguments: Mapping[str, Any], known: Mapping[str, Collection[str]]
) -> None:
    """Refuse names that the pipelines do not have.

    Args:
        arguments: Those of ``kedro run``, by name.
        known: From ``known_names``.

    Raises:
        ParameterError: Naming the first of them, and the nearest that there is.
    """
    for option, (kind, kinds) in _OPTIONS.items():
        given = arguments.get(option) or ()
        for name in [given] if isinstance(given, str) else given:
            if name not in known[kinds]:
                raise ParameterError(unknown(kind, name, known[kinds]))


def require_known_runner(name: str | None) -> None:
    """Refuse a runner of Kedro that there is not; others are named by their module.

    Raises:
        ParameterError: Naming the nearest.
    """
    if name and "." not in name and name not in RUNNERS:
        raise ParameterError(unknown("runner", name, RUNNERS))


def unknown(kind: str, name: str, known: Collection[str]) -> str:
    """Say that there is no such name, and which is the nearest."""
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
    if not nearest:
        return f"unknown {kind} '{name}'; the pipeline has none"
    return f"unknown {kind} '{name}'; did you mean '{nearest[0]}'?"
