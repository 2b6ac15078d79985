"""The program ``facefill``, or ``python -m facefill``.

``facefill complete`` and ``facefill app`` work anywhere. Everything else is the command
``run`` of this project, like ``kedro run``.
"""

import sys
from typing import Any

from facefill.environment import prepare_app, prepare_completion, unknown_backend

_HELP = """\
facefill complete PHOTO --mask MASK --output RESULT
    Complete the missing part of a photo, or of a folder of photos.
facefill app
    The same as a page in the browser.
facefill [OPTIONS]
    Run the pipelines of this project, as `kedro run` does.

`facefill complete --help` and `facefill app --help` list the options of those two.
Options of a run:
"""


def main(*args: Any, **kwargs: Any) -> Any:
    """Run a command, with the arguments of the shell."""
    word = "" if args else next(iter(sys.argv[1:]), "")
    if word in ("complete", "app") and (problem := unknown_backend()):
        sys.exit(f"Error: {problem}")
    if word == "complete":
        prepare_completion()
        from facefill.commands.complete import complete

        return complete(sys.argv[2:], prog_name="facefill complete")
    if word == "app":
        prepare_app()
        from facefill.commands.app import app

        return app(sys.argv[2:], prog_name="facefill app")
    if word and not word.startswith("-"):
        sys.exit(
            f"Error: unknown command '{word}'; facefill has complete and app, and "
            "`kedro run` runs the pipelines"
        )
    if word in ("-h", "--help"):
        sys.stdout.write(f"{_HELP}\n")
        sys.argv[1] = "--help"
    from kedro.framework.cli.utils import find_run_command
    from kedro.framework.project import configure_project

    configure_project("facefill")
    return find_run_command("facefill")(*args, **kwargs)


if __name__ == "__main__":
    main()
