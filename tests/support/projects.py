"""A small Kedro project with facefill's commands, hooks and configuration."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[2]

REGISTRY = """
import os, signal, time
import numpy as np
from kedro.pipeline import Node, Pipeline
from facefill.errors import DataError
from facefill.parameters import CompleteOptions
from facefill.runtime.tracking import Tracker

def draw(lam: float, options: CompleteOptions):
    act = os.environ.get("MINIATURE_ACT")
    if act == "pause":
        open("here", "w").close()
        time.sleep(3)
    with Tracker() as tracker:
        for step in range(3):
            tracker.scalars(step, {"loss": 1.0 / (step + 1), "bad": float("nan")})
        tracker.picture(2, "grid", np.zeros((4, 4, 3), np.uint8))
        tracker.metrics({"score": 7.0})
    if act == "user error":
        raise DataError("no photos in there; put some in")
    if act == "bug":
        raise ZeroDivisionError("a defect")
    if act in ("SIGTERM", "SIGKILL"):
        os.kill(os.getpid(), getattr(signal, act))
        time.sleep(60)
    return {"value": lam, "iterations": options.iterations}

def register_pipelines():
    nodes = [Node(draw, ["params:lam", "params:complete"], "report", name="draw")]
    return {"__default__": Pipeline(nodes)}
"""

CATALOG = """
report:
  type: json.JSONDataset
  filepath: data/report.json
  metadata: {mlflow: reports}
"""

PYPROJECT = """
[tool.kedro]
package_name = "miniature"
project_name = "miniature"
kedro_init_version = "1.7.0"
source_dir = "src"
"""


class Miniature:
    """The project in a folder, with one node that does as it is told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        package = root / "src" / "miniature"
        package.mkdir(parents=True)
        shutil.copytree(ROOT / "conf", root / "conf")
        (root / "conf/base/catalog.yml").write_text(CATALOG)
        (root / "elsewhere").mkdir()
        (root / ".telemetry").write_text("consent: false\n")
        (root / "pyproject.toml").write_text(PYPROJECT)
        (package / "__init__.py").touch()
        (package / "pipeline_registry.py").write_text(REGISTRY)
        (package / "settings.py").write_text("from facefill.settings import *\n")
        (package / "cli.py").write_text("from facefill.cli import cli, run\n")

    def kedro(self, *arguments, cwd=".", act=""):
        """Run ``kedro`` in the project, in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=self.root / cwd,
            env=os.environ | {"MINIATURE_ACT": act, "DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )

    def query(self, sql):
        """Ask MLflow's store."""
        with closing(sqlite3.connect(self.root / "mlflow.db")) as store:
            return store.execute(sql).fetchall()

    def statuses(self):
        """List how each run ended, oldest first."""
        rows = self.query("SELECT status FROM runs ORDER BY start_time")
        return [status for (status,) in rows]


class Embedded:
    """This project in another folder, with part of the embedded sample."""

    def __init__(self, root: Path, portraits: int = 96) -> None:
        self.root = root
        shutil.copytree(ROOT / "conf", root / "conf")
        shutil.copytree(
            ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in ("pyproject.toml", ".telemetry"):
            shutil.copy(ROOT / name, root)
        sample, here = ROOT / "data/demo/01_raw", root / "data/demo/01_raw"
        (here / "photos").mkdir(parents=True)
        for path in sorted((sample / "photos").iterdir())[:portraits]:
            shutil.copy(path, here / "photos")
        for kind in ("collins-scratch", "hopper-spots"):
            for folder, name in (("incomplete", kind), ("masks", kind)):
                (here / folder).mkdir(exist_ok=True)
                for path in (sample / folder).glob(f"{name}.*"):
                    shutil.copy(path, here / folder)

    def command(self, *arguments):
        """Words and environment of a command of the project."""
        words = [sys.executable, "-m", "kedro", *arguments]
        return words, os.environ | {
            "PYTHONPATH": str(self.root / "src"),
            "DO_NOT_TRACK": "1",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }

    def kedro(self, *arguments):
        """Run ``kedro`` in the project, and wait."""
        words, environment = self.command(*arguments)
        return subprocess.run(
            words,
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
