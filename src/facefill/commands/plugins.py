"""Commands of Kedro's plugins, which Kedro imports whatever is typed."""

import sys
import warnings
from importlib.metadata import EntryPoints

COMMANDS = "kedro.project_commands"
"""Group of entry points by which a plugin adds commands to those of a project."""


def leave_out_plugin(name: str) -> None:
    """Have Kedro look for no commands in a plugin whose commands are ours.

    kedro-mlflow's import MLflow, which takes half of the time of ``kedro --help``;
    ``facefill.commands.browse`` imports them when one of them is named.

    Args:
        name: Of its entry point.
    """
    kedro = sys.modules.get("kedro.framework.cli.utils")
    if kedro is None:  # no command was typed
        return
    found = kedro._get_entry_points

    def without_it(kind: str) -> EntryPoints:
        return EntryPoints(
            point
            for point in found(kind)
            if (point.group, point.name) != (COMMANDS, name)
        )

    kedro._get_entry_points = without_it  # type: ignore[attr-defined]


def load_tracking() -> None:
    """Import MLflow and kedro-mlflow, which a run will import anyway.

    Both set levels of their own for what they log when they are imported, so that
    logging is configured after them.
    """
    # What they still use of pydantic that is deprecated is not for our users to mend.
    with warnings.catch_warnings(action="ignore"):
        import kedro_mlflow.framework.hooks.mlflow_hook  # noqa: F401
