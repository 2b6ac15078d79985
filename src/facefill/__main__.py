"""Start the project as ``python -m facefill`` or ``facefill``, like ``kedro run``."""

from typing import Any

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run the command ``run`` of this project, with the arguments of the shell."""
    configure_project("facefill")
    return find_run_command("facefill")(*args, **kwargs)


if __name__ == "__main__":
    main()
