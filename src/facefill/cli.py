"""The commands of this project, which ``kedro`` finds by this module's name.

``run`` is Kedro's own, and besides: ``--params`` takes ``key:value`` as well as
``key=value``; what a user can cure is one line without a traceback; Ctrl-C and
SIGTERM stop the run cleanly, with the exit codes that a shell expects.
"""

import copy
import logging
import os
import pkgutil
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml
from kedro.config import AbstractConfigLoader, MissingConfigException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import configure_logging, pipelines, settings
from kedro.utils import find_kedro_project
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import facefill.pipelines
from facefill.commands.browse import mlflow
from facefill.commands.plugins import load_tracking
from facefill.commands.selections import (
    known_names,
    require_known,
    require_known_runner,
    unknown,
)
from facefill.commands.unchanged import RepeatedCompletion, is_completion
from facefill.environment import unknown_backend
from facefill.errors import FacefillError, ParameterError, find_cause
from facefill.runtime.files import storage_error

# What a user causes and cures: our errors, and a configuration that cannot be read.
USER_ERRORS = (
    FacefillError,
    MissingConfigException,
    OmegaConfBaseException,
    yaml.YAMLError,
)


WITHOUT_COMPLETION = ["train", "sample", "evaluate"]
"""What ``kedro run`` runs if no photo is to be completed."""

# Options of ``kedro run`` by which its user says what to run.
_SELECTIONS = (
    "pipelines",
    "from_nodes",
    "to_nodes",
    "node_names",
    "from_inputs",
    "to_outputs",
    "tags",
    "namespaces",
)

log = logging.getLogger(__name__)


class TerminatedError(KeyboardInterrupt):
    """SIGTERM came: what stops on Ctrl-C stops on it too."""


def parse_params(text: str) -> dict[str, Any]:
    """Read ``key:value`` and ``key=value`` items, parted by commas.

    The first of ``:`` and ``=`` ends the key, so a value may hold either. Dots in
    the key nest. Commas within brackets or quotes belong to the value:
    ``train.max_steps:500,evaluate.masks:[center,left]``.

    Raises:
        click.BadParameter: If an item has no separator or no key.
    """
    items = []
    for item in _split_at_commas(text):
        key, separator, value = re.match(
            r"([^:=]*)([:=]?)(.*)", item, re.DOTALL
        ).groups()  # type: ignore[union-attr]  # it matches any text
        if not (separator and key.strip()):
            raise click.BadParameter(
                f"'{item}' must be a key and a value, such as lam:0.1 or lam=0.1"
            )
        if re.fullmatch(r"[-+]?0[0-7_]+", value.strip()):
            raise click.BadParameter(
                f"'{item}': YAML takes {value.strip()} for an octal number, which is "
                f"{int(value, 8)}; write it without the 0 in front"
            )
        items.append(f"{key.strip()}={value}")
    try:
        return dict(OmegaConf.to_container(OmegaConf.from_dotlist(items)))  # type: ignore[arg-type]
    except (OmegaConfBaseException, yaml.YAMLError) as error:
        raise click.BadParameter(_one_line(error)) from error


def _split_at_commas(text: str) -> Iterator[str]:
    item, depth, quote = "", 0, ""
    for character in text:
        if character == "," and not depth and not quote:
            yield item
            item = ""
            continue
        item += character
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += (character in "[{") - (character in "]}")
    if text:
        yield item


def _params_callback(_: click.Context, __: click.Parameter, value: Any) -> Any:
    # A --config file may give a dictionary.
    return parse_params(value) if isinstance(value, str) else value


def _with_params_joined(words: Sequence[str]) -> list[str]:
    """Join the values of several ``--params``, of which click keeps the last alone.

    >>> _with_params_joined(["--params", "lam:1", "--env=demo", "--params=seed:2"])
    ['--env=demo', '--params=lam:1,seed:2']
    """
    joined: list[str] = []
    others: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name != "--params":
            others.append(word)
        elif equals:
            joined.append(value)
        else:
            # Without a value click says what is missing.
            given = next(rest, None)
            if given is None:
                return list(words)
            joined.append(given)
    if len(joined) < 2:
        return list(words)
    return [*others, f"--params={','.join(each for each in joined if each)}"]


def _wrap(command: click.Command) -> click.Command:
    """Copy ``kedro run`` with our parameters, errors and signals."""
    command = copy.copy(command)
    command.params = [copy.copy(param) for param in command.params]
    for param in command.params:
        if param.name == "params":
            param.callback = _params_callback
    parse = command.parse_args
    command.parse_args = lambda ctx, args: parse(  # type: ignore[method-assign]
        ctx, _with_params_joined(args)
    )
    stock = command.callback
    assert stock is not None  # for mypy: kedro's run has one

    def callback(**arguments: Any) -> Any:
        with _user_errors_in_one_line(), _stopping_on_signals():
            if problem := unknown_backend():
                raise ParameterError(problem)
            _configure_logging()
            _name_pipelines(arguments)
            _require_known_parts(arguments)
            _leave_out_completion(arguments)
            return _run_unless_finished(stock, arguments)

    command.callback = callback
    return command


def _name_pipelines(arguments: dict[str, Any]) -> None:
    """Check ``--pipeline`` and hand it on as ``--pipelines``, which is not deprecated.

    Raises:
        ParameterError: If there is no such pipeline, with the nearest name.
    """
    if arguments["pipeline"] and not arguments["pipelines"]:
        arguments.update(pipeline=None, pipelines=[arguments["pipeline"]])
    modules = pkgutil.iter_modules(facefill.pipelines.__path__)
    known = ["__default__", *(module.name for module in modules if module.ispkg)]
    for name in arguments["pipelines"] or []:
        if name not in known:
            raise ParameterError(unknown("pipeline", name, known))


def _require_known_parts(arguments: dict[str, Any]) -> None:
    """Check the names of nodes, datasets, tags and namespaces, and of the runner.

    Raises:
        ParameterError: If there is no such one, with the nearest name.
    """
    require_known_runner(arguments.get("runner"))
    if any(arguments.get(name) for name in _SELECTIONS if name != "pipelines"):
        names = arguments.get("pipelines") or ["__default__"]
        require_known(arguments, known_names(pipelines[name] for name in names))


def _leave_out_completion(arguments: dict[str, Any]) -> None:
    """Let ``kedro run`` alone train, sample and evaluate if no photo is to complete.

    Whoever names pipelines or nodes gets those.
    """
    root = find_kedro_project(Path.cwd())
    if root is None or any(arguments.get(name) for name in _SELECTIONS):
        return
    loader = _config_loader(root, arguments)
    entry = loader["catalog"].get("incomplete_photos", {})
    if "path" not in entry:
        return
    folder = root / entry["path"]
    if any(path.is_file() and path.name[0] != "." for path in folder.rglob("*")):
        return
    arguments["pipelines"] = WITHOUT_COMPLETION
    log.info(
        "no photo in %s: nothing is completed; the pipelines %s are run",
        folder,
        ", ".join(WITHOUT_COMPLETION),
    )


def _run_unless_finished(stock: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Run, unless it is a completion of which nothing has changed since it finished."""
    root = find_kedro_project(Path.cwd())
    if root is None or not is_completion(arguments):
        return _start(stock, arguments)
    try:
        completion = RepeatedCompletion(root, _config_loader(root, arguments))
    except MissingConfigException:  # of a part that a run may do without
        return _start(stock, arguments)
    if completion.has_finished:
        log.info(
            "nothing to do: no photo, mask, parameter or model has changed since the "
            "last completion; its results are in %s",
            completion.results,
        )
        return None
    with completion.recorded():
        return _start(stock, arguments)


def _start(stock: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    load_tracking()
    _configure_logging()
    return stock(**arguments)


def _config_loader(root: Path, arguments: dict[str, Any]) -> AbstractConfigLoader:
    """Make a loader of the configuration as the run itself will."""
    return settings.CONFIG_LOADER_CLASS(  # type: ignore[no-any-return]  # of settings.py
        conf_source=arguments.get("conf_source") or str(root / settings.CONF_SOURCE),
        env=arguments.get("env"),
        runtime_params=arguments.get("params") or {},
        **settings.CONFIG_LOADER_ARGS,
    )


def _configure_logging() -> None:
    """Log by the project's logging.yml wherever the command is typed.

    Kedro looks for it in the current directory only. Where the output is no
    terminal, rich would break lines at 80 columns: plain lines there.
    """
    root = find_kedro_project(Path.cwd())
    path = Path(root or "", "conf", "logging.yml")
    if root is None or "KEDRO_LOGGING_CONFIG" in os.environ or not path.is_file():
        return
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not sys.stdout.isatty():
        config["root"]["handlers"] = ["plain"]
    configure_logging(config)


@contextmanager
def _user_errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        cause = find_cause(error, USER_ERRORS) or storage_error(error)
        cause = cause or _memory_error(error)
        if cause is None:
            raise
        click.echo(f"Error: {_one_line(cause)}", err=True)
        sys.exit(1)


def _memory_error(error: BaseException) -> FacefillError | None:
    """Say that memory is too little, if that is what an error comes from."""
    cause = find_cause(error, (MemoryError, ImportError, OSError))
    text = str(cause)
    is_import = any(said in text for said in ("failed to map segment", "Cannot alloc"))
    if not isinstance(cause, MemoryError) and not is_import:
        return None
    return FacefillError(
        f"there is not enough memory ({_one_line(cause or error)}); end other "
        "programs, or allow this one more (ulimit -v)"
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    def terminate(*_: object) -> None:
        raise TerminatedError

    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals in the main thread alone.
        return
    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt as interrupt:
        _end_tracking("KILLED")
        terminated = isinstance(interrupt, TerminatedError)
        click.echo(f"Stopped by {'SIGTERM' if terminated else 'Ctrl-C'}.", err=True)
        number = signal.SIGTERM if terminated else signal.SIGINT
        sys.exit(128 + number)
    except BaseException:
        # Kedro tells its hooks of an Exception only, and only while nodes run.
        _end_tracking("FAILED")
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)


def _end_tracking(status: str) -> None:
    from facefill.runtime.tracking import end_runs

    end_runs(status)


run = _wrap(kedro_run)
cli = click.Group("facefill", commands={"run": run, "mlflow": mlflow})
