"""Two runs never do the same stage at once, and no dead run is in the way."""

import signal
import subprocess
import sys

import pytest

from facefill.errors import BusyError
from facefill.runtime.locks import exclusive

HOLD = """
import sys, time
from pathlib import Path
from facefill.runtime.locks import exclusive
with exclusive(Path("locks"), ["align", "train"]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Another process that is aligning and training."""
    command = [sys.executable, "-c", HOLD]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("stages", [["train"], ["ingest", "align"]])
def test_a_stage_that_another_run_is_at_names_that_run(tmp_path, other, stages):
    words = rf"process {other.pid}, since \d\d:\d\d:\d\d\) is at {stages[-1]} in"
    with (
        pytest.raises(BusyError, match=words),
        exclusive(tmp_path / "locks", stages),
    ):
        pass


def test_other_stages_may_run_beside_it(tmp_path, other):
    with exclusive(tmp_path / "locks", ["complete"]):
        assert other.poll() is None


@pytest.mark.parametrize("end", ["SIGKILL", "done"])
def test_a_run_that_is_gone_is_in_nobodys_way(tmp_path, other, end):
    if end == "SIGKILL":
        other.send_signal(signal.SIGKILL)
    else:
        other.stdin.close()
    other.wait()
    with exclusive(tmp_path / "locks", ["align", "train"]):
        pass


def test_a_run_that_was_refused_holds_nothing(tmp_path, other):
    with pytest.raises(BusyError), exclusive(tmp_path / "locks", ["ingest", "train"]):
        pass
    with exclusive(tmp_path / "locks", ["ingest"]):
        assert other.poll() is None
