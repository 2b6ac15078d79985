"""What a tracking server is told of a run, and what of it has to wait, as files.

The outbox has a folder for each run: ``points.jsonl`` with the points of its curves, a
``.npy`` for each picture of a series, ``files.jsonl`` with the paths of files that
belong to it, and ``end.json`` with how it ended and when.
"""

import io
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np

from facefill.runtime.batching import groups
from facefill.runtime.files import write_bytes, write_json

if TYPE_CHECKING:
    from mlflow import MlflowClient

MAX_METRICS_PER_CALL = 1000  # MLflow refuses more.

_POINTS, _FILES, _END = "points.jsonl", "files.jsonl", "end.json"

log = logging.getLogger(__name__)


class Message(Protocol):
    """Something to tell of a run."""

    def send(self, client: "MlflowClient", run_id: str) -> None:
        """Tell the server."""

    def keep(self, folder: Path) -> None:
        """Write it to the folder of the run."""


class Points(NamedTuple):
    """Points of curves, MLflow's ``Metric``, ``MAX_METRICS_PER_CALL`` at most."""

    metrics: list[Any]

    def send(self, client: "MlflowClient", run_id: str) -> None:
        """Tell the server."""
        client.log_batch(run_id, metrics=self.metrics)

    def keep(self, folder: Path) -> None:
        """Add a line a point."""
        _append(
            folder / _POINTS,
            [
                [each.key, each.value, each.timestamp, each.step]
                for each in self.metrics
            ],
        )


class Picture(NamedTuple):
    """The picture of a series at a step, uint8 (H, W, 3)."""

    step: int
    series: str
    image: np.ndarray

    def send(self, client: "MlflowClient", run_id: str) -> None:
        """Tell the server."""
        client.log_image(
            run_id, self.image, key=self.series, step=self.step, synchronous=True
        )

    def keep(self, folder: Path) -> None:
        """Write the pixels; the name of the file is that of the series and the step."""
        content = io.BytesIO()
        np.save(content, self.image, allow_pickle=False)
        name = self.series.replace("/", "~")
        write_bytes(folder / f"{name}+{self.step}.npy", content.getvalue())

    @classmethod
    def kept(cls, path: Path) -> Self:
        """Read one that was kept."""
        series, _, step = path.stem.rpartition("+")
        pixels = np.load(path, allow_pickle=False)
        return cls(int(step), series.replace("~", "/"), pixels)


class File(NamedTuple):
    """A file of the project, and the folder of the artifacts that gets a copy."""

    path: Path
    folder: str

    def send(self, client: "MlflowClient", run_id: str) -> None:
        """Give the server the file as it is now."""
        client.log_artifact(run_id, str(self.path), self.folder)

    def keep(self, folder: Path) -> None:
        """Add a line; the file itself stays where it is."""
        _append(folder / _FILES, [[str(self.path.absolute()), self.folder]])


class Outbox:
    """Messages that could not be sent yet.

    Args:
        folder: Has a folder for each run; made when there is something to keep.
    """

    def __init__(self, folder: Path) -> None:
        """Store the folder."""
        self.folder = folder

    def keep(self, run_id: str, message: Message) -> None:
        """Write a message down."""
        message.keep(self._of(run_id))

    def keep_end(self, run_id: str, status: str, time_ms: int) -> None:
        """Write down how a run ended, and when."""
        path = self._of(run_id) / _END
        write_json(path, {"status": status, "time_ms": time_ms})

    def runs(self) -> list[str]:
        """Runs of which something is kept."""
        return sorted(path.name for path in self.folder.glob("*") if path.is_dir())

    def deliver(self, run_id: str, client: "MlflowClient") -> None:
        """Send all that is kept of a run, and forget it.

        Raises:
            Exception: MLflow's, if it cannot be sent; it stays then.
        """
        folder = self.folder / run_id
        for message in _messages(folder):
            message.send(client, run_id)
        if (path := folder / _END).is_file():
            end = json.loads(path.read_text(encoding="utf-8"))
            client.set_terminated(run_id, end["status"], end["time_ms"])
        shutil.rmtree(folder)
        log.info("MLflow has now what was kept of the run %s", run_id)

    def _of(self, run_id: str) -> Path:
        folder = self.folder / run_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _messages(folder: Path) -> Iterator[Message]:
    from mlflow.entities import Metric

    points = (Metric(*line) for line in _lines(folder / _POINTS))
    for batch in groups(points, MAX_METRICS_PER_CALL):
        yield Points(batch)
    for path in sorted(folder.glob("*.npy")):
        yield Picture.kept(path)
    for name, target in _lines(folder / _FILES):
        if Path(name).is_file():
            yield File(Path(name), target)


def _append(path: Path, rows: list[list[Any]]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(f"{json.dumps(row)}\n" for row in rows))


def _lines(path: Path) -> Iterator[list[Any]]:
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # the process was killed while it wrote the line
            continue
