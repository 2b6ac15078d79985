"""The commands ``kedro mlflow``: those of kedro-mlflow, but for ``ui``.

Its own ``ui`` opens pages on language models, ends with exit code 0 where the port is
taken, and starts ``mlflow`` by a name that an environment which is not activated does
not find.
"""

import logging
import webbrowser
from pathlib import Path
from typing import Any

import click

from facefill.errors import FacefillError


class _Commands(click.Group):
    """kedro-mlflow's commands, imported when one of them is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._stock().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        ours = super().get_command(ctx, cmd_name)
        return ours or self._stock().get_command(ctx, cmd_name)

    @staticmethod
    def _stock() -> click.Group:
        from kedro_mlflow.framework.cli.cli import mlflow_commands

        stock: click.Group = mlflow_commands
        return stock


@click.group(name="mlflow", cls=_Commands)
def mlflow() -> None:
    """Use mlflow-specific commands inside kedro project."""


@mlflow.command()
@click.option(
    "--env",
    "-e",
    default="local",
    show_default=True,
    help="Environment whose mlflow.yml counts.",
)
@click.option("--port", "-p", type=int, help="Port to listen on, instead of ui.port.")
@click.option(
    "--host",
    "-h",
    help="Address to listen on, instead of ui.host; 0.0.0.0 lets other machines in.",
)
def ui(env: str, port: int | None, host: str | None) -> None:
    """Browse runs, curves, pictures and models; print the address of the runs."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project
    from kedro.utils import find_kedro_project

    from facefill.runtime.listening import listen
    from facefill.runtime.tracking_page import address, serve

    project = find_kedro_project(Path.cwd()) or Path.cwd()
    bootstrap_project(project)
    with KedroSession.create(project_path=project, env=env) as session:
        # Importing it, which has happened by now, makes it talkative.
        logging.getLogger("kedro_mlflow").setLevel(logging.WARNING)
        try:
            context: Any = session.load_context()  # type: ignore[attr-defined]
        except FacefillError as error:
            raise click.ClickException(str(error)) from error
    config = context.mlflow
    store = str(config.server.mlflow_tracking_uri)
    experiment = config.tracking.experiment._experiment.experiment_id
    host, port = host or str(config.ui.host), port or int(config.ui.port)
    if store.startswith("http"):
        page = address(store, experiment)
        click.echo(f"The runs: {page}")
        webbrowser.open(page)
        return
    artifacts = config.tracking.experiment.create_experiment_kwargs.artifact_location
    try:
        listener = listen(host, port)
    except FacefillError as error:
        raise click.ClickException(str(error)) from error
    with listener:
        place = f"[{host}]" if ":" in host else host
        page = address(f"http://{place}:{port}", experiment)
        click.echo(f"The runs: {page}  (Ctrl-C stops)")
        serve(store, artifacts or "", experiment, listener)
