"""Kedro hooks: parameters, folders, models, locks, stage log, MLflow tracking."""

from collections.abc import Iterator
from functools import cache


class Hooks:
    """Hooks of this project in the order of their registration, made when asked for.

    A session asks for them. ``kedro --help`` has none, and does without what they
    import: pydantic, pandas and half of this package.
    """

    def __iter__(self) -> Iterator[object]:
        """Give the hooks, the same ones to everyone."""
        return iter(_hooks())


@cache
def _hooks() -> tuple[object, ...]:
    from facefill.hooks.folders import FolderHooks
    from facefill.hooks.guarded_mlflow import GuardedMlflowHooks
    from facefill.hooks.locks import LockHooks
    from facefill.hooks.models import ModelHooks
    from facefill.hooks.parameters import ParameterHooks
    from facefill.hooks.registry import RegistryHooks
    from facefill.hooks.stages import StageHooks
    from facefill.hooks.tracking import TrackingHooks

    return (
        StageHooks(),
        TrackingHooks(),
        ParameterHooks(),
        FolderHooks(),
        LockHooks(),
        ModelHooks(),
        RegistryHooks(),
        # Last, as plugins are: Kedro calls first what was registered last.
        GuardedMlflowHooks(),
    )
