"""Validation of all parameters before any work."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from facefill.models.sources import PRETRAINED, RANDOM
from facefill.parameters.validation import resolve

_PATHS = (
    ("align", "landmark_model"),
    ("train", "inception_weights"),
    ("import_checkpoint", "path"),
)
"""Parameters that are paths, or null."""


class ParameterHooks:
    """Checks all parameters before any work and fills in the defaults."""

    # A wrapper, as that of ``TrackingHooks`` is, which would come before any other
    # hook and make MLflow's store for a run that is refused.
    @hook_impl(wrapper=True, tryfirst=True)
    def after_context_created(
        self, context: KedroContext
    ) -> Generator[None, object, object]:
        """Replace what YAML and ``--params`` say by the complete parameters.

        A wrapper, so that it comes before the wrapper that makes MLflow's store.

        Raises:
            ParameterError: If a name is unknown or a value is refused.
        """
        loader = context.config_loader
        values = resolve(loader["parameters"]).model_dump()
        loader["parameters"] = with_anchored_paths(values, Path(context.project_path))
        return (yield)


def with_anchored_paths(values: Mapping[str, Any], project: Path) -> dict[str, Any]:
    """Let paths mean the same wherever the command is typed.

    Args:
        values: All parameters, by block.
        project: Folder that relative paths are below; ``~`` is the home folder.

    Returns:
        The parameters; a folder to start from is as it was typed if it is typed in the
        project's folder, since checkpoints know their training by it.
    """
    anchored = {name: dict(block) for name, block in values.items() if _is_block(block)}
    for block, name in _PATHS:
        if path := anchored[block][name]:
            anchored[block][name] = str(project / Path(path).expanduser())
    start = anchored["train"]["start_from"]
    if start not in (RANDOM, PRETRAINED):
        path = Path(start).expanduser()
        is_meant_here = path.is_absolute() or Path.cwd() == project
        anchored["train"]["start_from"] = str(
            (start if path == Path(start) else path)
            if is_meant_here
            else project / path
        )
    return dict(values) | anchored


def _is_block(value: Any) -> bool:
    return isinstance(value, dict)
