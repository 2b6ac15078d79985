"""Faults for the commands that users type: kills, full disks, lost permissions."""

import hashlib
import os
import random
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from commands import environment
from projects import ROOT

AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
# Root may do everything; without these two it may do what permissions say.
WITHOUT_PRIVILEGE = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def start(data, *arguments, prefix=(), **variables):
    """Type ``kedro run`` and do not wait."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "kedro", "run", "--env=test", *arguments],
        cwd=ROOT,
        env=environment(data) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(data, *arguments, **options):
    """Type ``kedro run`` and wait; give the finished process."""
    with start(data, *arguments, **options) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def error_of(finished):
    """The one line of an error that its user can cure."""
    said = finished.stdout + finished.stderr
    assert finished.returncode == 1, said
    assert "Traceback" not in said
    (line,) = finished.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


def kill_at_random(data, arguments, kills, longest_s, seed):
    """Kill a command at random moments, and type it again until it ends by itself."""
    chosen, done = random.Random(seed), 0
    while True:
        with start(data, *arguments) as process:
            if done < kills:
                try:
                    process.wait(chosen.uniform(0.0, longest_s))
                except subprocess.TimeoutExpired:
                    process.kill()
                    done += 1
            out, err = process.communicate()
        if process.returncode == 0 and done == kills:
            return
        assert process.returncode in (0, -9), out + err
        longest_s *= 1.0 if process.returncode else 0.7


def contents(folder):
    """Hash every file in a folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def litter(folder):
    """Temporary files that somebody has left."""
    return [path for path in folder.rglob(".writing-*")]


@contextmanager
def small_disk(folder, kilobytes):
    """Mount a disk of a size at a folder, with what is in it; gives room to it later.

    Yields:
        A function that makes the disk large.
    """
    kept = folder.with_name(f"{folder.name} before")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(kept)
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if (
        not AS_ROOT
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no disk can be mounted here")
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(folder)], check=True)

        def make_room():
            more = ["mount", "-o", "remount,size=200m", str(folder)]
            subprocess.run(more, check=True)

        yield make_room
    finally:
        for _ in range(50):  # a worker may still be there
            if not subprocess.run(["umount", str(folder)], check=False).returncode:
                break
            time.sleep(0.1)
