"""The commands that users type, in processes of their own, with a folder for data."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

from projects import ROOT

SAMPLE = ROOT / "data/demo/01_raw"
# Portraits like those of the sample; none of them is trained on.
PORTRAITS = ROOT / "tests/portraits"


def environment(data):
    """Name the folder to a command."""
    return os.environ | {"FACEFILL_TEST_DATA": str(data), "DO_NOT_TRACK": "1"}


def kedro(data, *arguments, timeout=350):
    """Type ``kedro run`` and wait, so many seconds at most."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env=test", *arguments],
        cwd=ROOT,
        env=environment(data),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def query(data, sql):
    """Ask MLflow's store."""
    with closing(sqlite3.connect(data / "mlflow.db")) as store:
        return store.execute(sql).fetchall()


def of_run(data, place, sql):
    """Ask for what belongs to a run: place 0 is the first, -1 the last."""
    runs = query(data, "SELECT run_uuid FROM runs ORDER BY start_time")
    return query(data, sql.format(run=f"'{runs[place][0]}'"))
