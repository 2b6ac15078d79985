"""Completions that are not begun, because nothing has changed since they finished.

Whatever is run, finished photos stay as they are. But a run loads the networks, and
opens MLflow, before it knows that all are finished.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facefill.runtime.finished_run import FinishedRun, contents_of
from facefill.runtime.remembered import key_of

_SET_BY = {"env", "params", "conf_source", "pipelines"}
"""Options of ``kedro run`` that a completion may be given; others want a run."""


def is_completion(arguments: Mapping[str, Any]) -> bool:
    """Whether arguments of ``kedro run`` ask for the pipeline ``complete`` alone."""
    others = {name for name, value in arguments.items() if value} - _SET_BY
    return arguments["pipelines"] == ["complete"] and not others


class RepeatedCompletion:
    """The pipeline ``complete`` with certain settings, which may have run before."""

    def __init__(self, root: Path, config: Mapping[str, Any]) -> None:
        """Take the settings.

        Args:
            root: Folder of the project.
            config: Kedro's configuration, by ``parameters``, ``catalog``, ``mlflow``
                and ``globals``.
        """
        self._root = root
        self._catalog = config["catalog"]
        # A parameter that names a file; what is in it may change under the same name.
        landmarks = (config["parameters"].get("align") or {}).get("landmark_model")
        self._named = [root / Path(landmarks).expanduser()] if landmarks else []
        settings = [
            # Kedro merges blocks in another order each time.
            json.dumps(config[name], sort_keys=True, default=str)
            for name in ("parameters", "catalog", "mlflow")
        ]
        path = root / config["globals"]["data"] / ".finished/complete.json"
        self._record = FinishedRun(path, key_of(*settings))

    @property
    def has_finished(self) -> bool:
        """Whether it has run, and nothing that it reads or writes is another since.

        Never where some of it lies elsewhere, since it may have changed unseen, or has
        versions, of which every run makes one.
        """
        return self._is_known and self._record.holds()

    @property
    def results(self) -> Path:
        """Folder of the completed photos."""
        (path,) = self._paths(["completions"])
        return path

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record that it has finished, if what is run within ends well.

        Not if a photo was rejected for what may be otherwise next time, as a worker
        that crashed or a mask without permission: a run tries it again.
        """
        from facefill.pipelines.complete import create_pipeline
        from facefill.runtime.packaged_files import FOLDER as PRETRAINED

        if not self._is_known:
            yield
            return
        pipeline = create_pipeline()
        paths = [*self._paths(pipeline.inputs()), *self._named, PRETRAINED]
        inputs = _readable(paths)
        yield
        if inputs is not None and not self._is_to_be_repeated():
            self._record.write(inputs, self._paths(pipeline.all_outputs()))

    def _is_to_be_repeated(self) -> bool:
        from facefill.runtime.incremental import TRANSIENT

        (path,) = self._paths(["completion_report"])
        report = json.loads(path.read_text(encoding="utf-8"))
        return not set(TRANSIENT).isdisjoint(report["rejected"])

    @property
    def _is_known(self) -> bool:
        """Whether all of it lies on this machine, where it says, in one version."""
        is_local = not any("://" in path for path in self._paths_of(self._catalog))
        return is_local and not any(
            block.get("versioned") for block in self._blocks(self._catalog)
        )

    def _paths(self, names: Iterable[str]) -> list[Path]:
        return [self._root / path for path in self._paths_of(names)]

    def _paths_of(self, names: Iterable[str]) -> list[str]:
        """Paths of those entries that have one, as they stand in the catalog."""
        blocks = self._blocks(names)
        paths = [block.get("path") or block.get("filepath") for block in blocks]
        return [path for path in paths if path]

    def _blocks(self, names: Iterable[str]) -> list[Mapping[str, Any]]:
        entries = [self._catalog.get(name) for name in sorted(names)]
        return [entry for entry in entries if isinstance(entry, Mapping)]


def _readable(paths: list[Path]) -> dict[str, dict[str, str]] | None:
    """Contents of files and folders; None if one of them cannot be read.

    What becomes of that one is up to the run, to which a mask is a row.
    """
    try:
        return contents_of(paths)
    except OSError:
        return None
