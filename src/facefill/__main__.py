"""The program ``facefill``, or ``python -m facefill``.

``facefill complete`` and ``facefill app`` work anywhere. Everything else is the command
``run`` of this project, like ``kedro run``.
"""

import sys
from typing import Any

from facefill.environment import prepare_app, prepare_completion, unknown_backend


def main(*args: Any, **kwargs: Any) -> Any:
    """Run a command, with the arguments of the shell."""
    is_ours = not args and sys.argv[1:2] in (["complete"], ["app"])
    if is_ours and (problem := unknown_backend()):
        sys.exit(f"Error: {problem}")
    if not args and sys.argv[1:2] == ["complete"]:
        prepare_completion()
        from facefill.commands.complete import complete

        return complete(sys.argv[2:], prog_name="facefill complete")
    if not args and sys.argv[1:2] == ["app"]:
        prepare_app()
        from facefill.commands.app import app

        return app(sys.argv[2:], prog_name="facefill app")
    from kedro.framework.cli.utils import find_run_command
    from kedro.framework.project import configure_project

    configure_project("facefill")
    return find_run_command("facefill")(*args, **kwargs)


if __name__ == "__main__":
    main()
