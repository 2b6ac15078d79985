"""The command ``facefill app``: the same as ``complete``, as a page in the browser.

Synopsis, in a shell::

    facefill app
    facefill app --port 8000
"""

import importlib.util
import logging
import os
import sys
import tempfile
from pathlib import Path

import click

from facefill.errors import FacefillError

NEEDS_EXTRA = (
    "facefill app needs the extra app: in the folder of facefill, "
    "pip install -e '.[app]'"
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port to listen on; by default 7860, or a free one if that is taken.",
)
@click.option(
    "--model",
    default="pretrained",
    show_default=True,
    help="The model that comes with facefill, or a folder that `kedro run "
    "--pipeline=train` has filled, such as data/06_models.",
)
def app(port: int | None, model: str) -> None:
    """Complete photos in the browser, on a page of this machine alone.

    Drop a photo, paint over what is missing, compare, and download the whole photo
    in its own format.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    if importlib.util.find_spec("gradio") is None:
        click.echo(f"Error: {NEEDS_EXTRA}", err=True)
        sys.exit(1)
    try:
        _serve(port, model)
    except FacefillError as error:
        click.echo(f"Error: {' '.join(str(error).split())}", err=True)
        sys.exit(1)


def _serve(port: int | None, model: str) -> None:
    """Serve the page until the process is told to stop.

    Raises:
        BusyError: If the port is taken.
    """
    from facefill.app.server import address, listen, serve

    with listen(port) as listener, tempfile.TemporaryDirectory("-facefill") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # read when Gradio is loaded
        from facefill.app.completer import Completer
        from facefill.app.page import application

        completer = Completer(model)
        page = application(completer, Path(folder))
        completer.warm_up()
        click.echo(f"facefill app: {address(listener)}  (Ctrl-C stops)")
        serve(page, listener)
